package restart

import (
	"slices"

	"hermes/internal/exitcode"
)

// Exit is what the end of a service's process means (contract "Exit codes").
type Exit int

// The meanings.
const (
	Failure Exit = iota // start it again, with growing pauses, until it is given up
	Again               // start it again at once: it asked for that, or somebody ended it
	Stay                // it stays down: a planned end, or one that a restart cannot help
)

// Row is a line of the table: what follows an end with one of the codes, or by one of the signals.
type Row struct {
	Codes   []int
	Signals []Signal
	Then    Exit
}

// Signal is one that may kill a process.
type Signal struct {
	Name   string
	Number int
}

// code is what a process ends with that a signal told to end and that ended by itself.
func (s Signal) code() int { return exitcode.Signal(s.Number) }

// Table returns what follows which end. An end that is not in it is a Failure.
func Table() []Row {
	term, hup := Signal{"SIGTERM", 15}, Signal{"SIGHUP", 1}
	return []Row{
		{Codes: []int{exitcode.OK}, Then: Stay},                                            // a planned end
		{Codes: []int{exitcode.Config}, Then: Stay},                                        // the configuration is wrong
		{Codes: []int{exitcode.Root}, Then: Stay},                                          // it refused to run as root
		{Codes: []int{exitcode.Restart}, Then: Again},                                      // it asks to be started again
		{Codes: []int{hup.code(), term.code()}, Signals: []Signal{hup, term}, Then: Again}, // somebody asked it to end
	}
}

// Of tells what an exit code, or a signal such as SIGTERM, means. code counts only without a signal.
func Of(code int, signal string) Exit {
	for _, r := range Table() {
		if signal == "" && slices.Contains(r.Codes, code) || slices.ContainsFunc(r.Signals, func(s Signal) bool { return s.Name == signal }) {
			return r.Then
		}
	}
	return Failure
}

// Reported is the code with which a process ends under a manager that starts again whatever ends with another code than 0: launchd,
// and Windows.
func Reported(code int) int {
	if Of(code, "") == Stay {
		return 0
	}
	return code
}

// codes returns the exit codes of the table with a meaning, in ascending order.
func codes(then Exit) (all []int) {
	for _, r := range Table() {
		if r.Then == then {
			all = append(all, r.Codes...)
		}
	}
	slices.Sort(all)
	return all
}

// signals returns the signals of the table with a meaning.
func signals(then Exit) (all []Signal) {
	for _, r := range Table() {
		if r.Then == then {
			all = append(all, r.Signals...)
		}
	}
	return all
}
