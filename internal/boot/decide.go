package boot

import (
	"errors"

	"hermes/internal/profile"
)

// Action is what a boot does with a profile.
type Action string

// The actions, in the form that the boot log has.
const (
	Started    Action = "started"    // the gateway is wanted up
	Registered Action = "registered" // the slot exists, and the gateway is wanted down
	Skipped    Action = "skipped"    // the profile cannot be used
)

// comesBack is the part of contract "Boot" for a profile without a desired state: after these states its gateway is started.
var comesBack = map[profile.GatewayState]bool{
	profile.StateRunning:  true,
	profile.StateDegraded: true,
	profile.StateDraining: true,
}

// decide implements the table of contract "Boot".
func decide(s profile.State) Action {
	switch {
	case s.Desired == profile.DesiredStopped:
		return Registered
	case s.Gateway == profile.StateStartupFailed:
		return Registered // it was broken at the last boot
	case s.Desired == profile.DesiredRunning, comesBack[s.Gateway]:
		return Started
	}
	return Registered
}

// decideFor reads a profile's state file and decides. prior is the state for the boot log. reason says what is wrong with the file,
// or is "".
func decideFor(h profile.Home, bootstrap string) (action Action, prior, reason string) {
	s, err := profile.ReadState(h)
	switch {
	case errors.Is(err, profile.ErrNoState):
		if h.Name.IsDefault() && bootstrap == string(profile.StateRunning) {
			return Started, "none", "HERMES_GATEWAY_BOOTSTRAP_STATE"
		}
		return Registered, "none", ""
	case err != nil:
		return Registered, "unreadable", err.Error()
	}
	switch {
	case s.Gateway == profile.StateNone:
		prior = "none"
	case !profile.CanFollow(s.Gateway, s.Gateway): // another tool wrote a state that we do not know, which may be long
		prior, reason = "unknown", "gateway_state.json has a gateway_state that nobody knows"
	default:
		prior = string(s.Gateway)
	}
	return decide(s), prior, reason
}
