// Package profile knows how a profile is called, where its home lies, and which state its gateway is in.
//
// It knows the files of contract "On disk", but not processes, supervisors or terminals. The content of the files is for the
// packages below this directory: config (config.yaml), env (.env), ports, contents (what a copy of a home contains), provision (how
// a profile is made) and archive.
package profile
