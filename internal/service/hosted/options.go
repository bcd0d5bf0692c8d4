package hosted

import (
	"hermes/internal/service"
	"hermes/internal/service/restart"
)

// Options says which services a Manager drives, and how it makes new ones.
type Options struct {
	Home    string // HERMES_HOME, absolute
	Program string // path of hermes, absolute, for new units
	Getenv  func(string) string
	// System installs new services in the system's manager. Otherwise they are installed in the user's own manager.
	System bool
	// User is the user as whom new services of the system's manager run.
	User string
	// Backoff returns the rule for failures that a new unit gets; nil means service.BackoffOf.
	Backoff func(service.ID) restart.Rule
}
