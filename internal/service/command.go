package service

import (
	"strconv"
	"strings"
)

// ReadyFD is the descriptor on which a service says that it is ready.
const ReadyFD = 3

// SupervisedChild is the variable that tells a service that a manager started it: the recursion guard (M3).
const SupervisedChild = "HERMES_S6_SUPERVISED_CHILD"

// Command is the command line of a service (M16), which writes a newline to a descriptor when it is ready.
func Command(id ID, readyFD int) []string {
	fd := strconv.Itoa(readyFD)
	name, ok := id.Profile()
	switch {
	case !ok:
		return []string{"hermes", "dashboard", "--ready-fd", fd}
	case name.IsDefault():
		return []string{"hermes", "gateway", "run", "--replace", "--ready-fd", fd}
	}
	return []string{"hermes", "-p", name.String(), "gateway", "run", "--replace", "--ready-fd", fd}
}

// LogDir is where the lines of a service go, relative to HERMES_HOME, with slashes (contract "On disk").
func LogDir(id ID) string {
	if name, ok := id.Profile(); ok {
		return "logs/gateways/" + name.String()
	}
	return "logs/" + id.String()
}

// LogLabel is what stands before a service's lines where those of several come together.
func LogLabel(id ID) string { return strings.TrimPrefix(id.String(), gatewayPrefix) }
