// Package launchd makes gateways jobs of macOS's launchd: agents of the user, or daemons of the system. Only the calls of launchctl
// need macOS; everything else is tested on every system.
package launchd
