// Package exitcode holds the exit codes of hermes (contract "Exit codes").
package exitcode

// The codes. What a supervisor does after each is in the table of package service/restart.
const (
	OK      = 0
	Failure = 1
	Usage   = 2
	Restart = 75  // EX_TEMPFAIL of sysexits.h: start me again
	Config  = 78  // EX_CONFIG of sysexits.h: retrying cannot help
	Root    = 126 // refused to run as root
)

// Signal is the code of a process that ended by itself after a signal of that number, as a shell tells it of one that was killed.
func Signal(number int) int { return 128 + number }
