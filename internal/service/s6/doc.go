// Package s6 is the service manager for containers: it writes service directories
// and talks to s6-svscan and s6-supervise through s6's own commands.
//
// Facts about s6 in this package are from its manual: servicedir.html, scandir.html and the pages of the commands that are named
// (https://skarnet.org/software/s6/).
package s6
