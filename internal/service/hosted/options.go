package hosted

import (
	"hermes/internal/service"
	"hermes/internal/service/restart"
)

// Options says whose services a Manager drives.
type Options struct {
	Home    string // HERMES_HOME, absolute
	Program string // path of hermes, absolute, for units that it makes
	Getenv  func(string) string
	// System installs new services in the system's manager; else in the user's own.
	System bool
	// User is whom new services of the system's manager run as.
	User string
	// Backoff is the rule for failures that new units hold; nil is service.BackoffOf.
	Backoff func(service.ID) restart.Rule
}
