// Package hosted has what the managers of hosts share. They make a gateway a service of the host's own init system: packages
// systemd, launchd and windows. Each gateway is one service.
//
// A service belongs to one home, whose path is a part of its definition. A service of the same name that belongs to another home is
// left alone.
package hosted
