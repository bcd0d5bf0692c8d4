// Package systemd makes gateways units of systemd, of the user's manager or of the system's. Facts about systemd are from its manual
// (https://www.freedesktop.org/software/systemd/man/).
package systemd
