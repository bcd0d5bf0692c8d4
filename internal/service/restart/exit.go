package restart

import (
	"slices"

	"hermes/internal/exitcode"
)

// Exit says what the end of a service's process means (contract "Exit codes").
type Exit int

// The meanings of an end.
const (
	Failure Exit = iota // start it again, with growing pauses, until it is given up
	Again               // start it again at once: the process asked for that, or it was told to end
	Stay                // leave it down: the end was planned, or another start cannot help
)

// Row is a row of the table: what follows an end with one of the codes or by one of the signals.
type Row struct {
	Codes   []int
	Signals []Signal
	Then    Exit
}

// Signal is a signal that may kill a process.
type Signal struct {
	Name   string
	Number int
}

// code returns the exit code of a process that ends by itself after it got the signal.
func (s Signal) code() int { return exitcode.Signal(s.Number) }

// Table returns what follows each end. An end that is not in the table is a Failure.
func Table() []Row {
	term, hup := Signal{"SIGTERM", 15}, Signal{"SIGHUP", 1}
	return []Row{
		{Codes: []int{exitcode.OK}, Then: Stay},                                            // a planned end
		{Codes: []int{exitcode.Config}, Then: Stay},                                        // the configuration is wrong
		{Codes: []int{exitcode.Root}, Then: Stay},                                          // it refused to run as root
		{Codes: []int{exitcode.Restart}, Then: Again},                                      // it asks to be started again
		{Codes: []int{hup.code(), term.code()}, Signals: []Signal{hup, term}, Then: Again}, // the process was told to end
	}
}

// Of returns what an exit code or a signal, such as SIGTERM, means. If signal is not "", code does not count.
func Of(code int, signal string) Exit {
	for _, r := range Table() {
		if signal == "" && slices.Contains(r.Codes, code) || slices.ContainsFunc(r.Signals, func(s Signal) bool { return s.Name == signal }) {
			return r.Then
		}
	}
	return Failure
}

// Reported returns the code with which a process has to end under launchd and Windows. These managers start a process again after
// any code but 0.
func Reported(code int) int {
	if Of(code, "") == Stay {
		return 0
	}
	return code
}

// codes returns the exit codes of the table that have a meaning, in ascending order.
func codes(then Exit) (all []int) {
	for _, r := range Table() {
		if r.Then == then {
			all = append(all, r.Codes...)
		}
	}
	slices.Sort(all)
	return all
}

// signals returns the signals of the table that have a meaning.
func signals(then Exit) (all []Signal) {
	for _, r := range Table() {
		if r.Then == then {
			all = append(all, r.Signals...)
		}
	}
	return all
}
