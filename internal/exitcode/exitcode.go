// Package exitcode holds the exit codes of hermes (contract "Exit codes").
package exitcode

// The codes. The table in package service/restart says what a supervisor does after each.
const (
	OK      = 0
	Failure = 1
	Usage   = 2
	Restart = 75  // EX_TEMPFAIL of sysexits.h: the supervisor starts the gateway again
	Config  = 78  // EX_CONFIG of sysexits.h: retrying cannot help
	Root    = 126 // refused to run as root
)

// Signal returns the exit code after a signal with that number. A shell reports the same code for a process that the signal killed.
func Signal(number int) int { return 128 + number }
