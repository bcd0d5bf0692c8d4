// Package hosted is what the managers of hosts have in common, those that make a gateway a service of the host's own init system:
// packages systemd, launchd and windows. One gateway is one service.
//
// A service belongs to one home, which is written into it. Another home's service of the same name is left alone.
package hosted
