// Package systemd makes gateways units of systemd, of the user's manager or of the system's. Facts about systemd come from its
// manual (https://www.freedesktop.org/software/systemd/man/).
package systemd
