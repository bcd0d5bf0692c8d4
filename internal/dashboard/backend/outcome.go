package backend

import (
	"errors"

	"hermes/internal/profile"
)

// ErrNoControl is why no gateway can be started or stopped from here.
var ErrNoControl = errors.New("no supervisor is in reach of this dashboard: run it where the gateways run")

// Outcome is what came of an action.
type Outcome struct {
	Text string // what was done
	More string // details, or the end of a log
	Err  error
	// Profile is the profile that was made, or whose new name this is. It is set too if what was to follow failed, such as its
	// gateway's start. It is the zero Name if no profile was made or renamed.
	Profile profile.Name
}
