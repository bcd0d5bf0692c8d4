// Package restart has the only copy of the rule for what follows the end of a service's process, for all service managers: what exit
// codes and signals mean, how long the pauses are, and when a service is given up. For managers that restart services themselves, it
// writes the rule as settings of that manager.
package restart
