package service

import (
	"strconv"
	"strings"

	"hermes/internal/profile"
)

// ReadyFD is the descriptor on which a service says that it is ready.
const ReadyFD = 3

// SupervisedChild is the variable that tells a service that a manager started it: the recursion guard (M3).
const SupervisedChild = "HERMES_S6_SUPERVISED_CHILD"

// Command is the command line of a service (M16), which writes a newline to a descriptor when it is ready; to none
// if readyFD is 0.
func Command(id ID, readyFD int) []string {
	name, ok := id.Profile()
	var line []string
	switch {
	case !ok:
		line = []string{"hermes", "dashboard"}
	case name.IsDefault():
		line = []string{"hermes", "gateway", "run", "--replace"}
	default:
		line = []string{"hermes", "-p", name.String(), "gateway", "run", "--replace"}
	}
	if readyFD > 0 {
		line = append(line, "--ready-fd", strconv.Itoa(readyFD))
	}
	return line
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

// StartCommand is what a person types to start a profile's gateway.
func StartCommand(n profile.Name) string { return gatewayCommand(n, "start") }

// StopCommand is what a person types to stop it.
func StopCommand(n profile.Name) string { return gatewayCommand(n, "stop") }

func gatewayCommand(n profile.Name, verb string) string {
	if n.IsDefault() {
		return "hermes gateway " + verb
	}
	return "hermes -p " + n.String() + " gateway " + verb
}
