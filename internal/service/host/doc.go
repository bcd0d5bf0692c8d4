// Package host makes gateways services of the host's own init system: systemd units, of the user's manager or of the
// system's, launchd jobs, Windows services. One gateway is one unit.
//
// A unit belongs to one home, which is written into it. Another home's unit of the same name is left alone.
package host
