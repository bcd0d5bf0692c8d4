// Package restart holds the rule for what follows the end of a service's process, once for every service manager: which exit codes
// and signals mean what, how long the pauses are, and when it is given up. Managers that do their own restarting are given the rule
// in their own words.
package restart
