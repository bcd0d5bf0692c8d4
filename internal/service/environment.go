package service

import (
	"slices"
	"strings"
)

// SlotEnv names a directory with variables that only some slots get: a directory for each of them, with a file a variable
// (s6-envdir).
const SlotEnv = "HERMES_SLOT_ENV"

// Owns reports whether a variable of the container's or the host's environment is meant for a service. Some are one
// service's own: what configures the dashboard, its password among it, and what configures the default profile's API
// server (contract "Ports"), which the dashboard must know too. All others, such as a provider's key, are for every
// gateway.
func Owns(id ID, variable string) bool {
	name, gateway := id.Profile()
	switch {
	case shared(variable):
		return true
	case gateway && name.IsDefault():
		return strings.HasPrefix(variable, apiServer)
	}
	return !gateway
}

// Environment returns the variables, as NAME=value, that a service gets of those of its supervisor.
func Environment(id ID, environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return !Owns(id, name)
	})
}

// Own returns the variables that only some services get, this one among them.
func Own(id ID, environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return shared(name) || !Owns(id, name)
	})
}

// Shared returns the variables that every service gets.
func Shared(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return !shared(name)
	})
}

const apiServer = "API_SERVER_"

func shared(variable string) bool {
	return !strings.HasPrefix(variable, "HERMES_DASHBOARD") && !strings.HasPrefix(variable, apiServer)
}
