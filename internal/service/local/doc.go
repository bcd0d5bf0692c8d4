// Package local is the supervisor that is a part of this program, for places without s6: `hermes up`. Supervisor runs every gateway
// of a home as a child process, by the same rules as the slots of package s6. Listen takes commands on a Unix socket in the home.
// Manager sends them; it is the service.Manager of every other command.
package local
