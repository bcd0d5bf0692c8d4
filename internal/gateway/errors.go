package gateway

import (
	"errors"
	"fmt"
	"os"
)

// HeldError reports that the profile's gateway already runs.
type HeldError struct {
	Name string // the profile's
	Lock string // the lock's path
	// PID is the process that holds the lock, or 0 if this process cannot see it, because it is in another container on the same
	// volume.
	PID int
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("cannot start the gateway of profile '%s': %s is held by a process that cannot be seen from here, "+
			"perhaps in another container on this volume; stop it there first", e.Name, e.Lock)
	}
	return fmt.Sprintf("cannot start the gateway of profile '%s': it already runs with pid %d; `--replace` takes over from it", e.Name, e.PID)
}

// SignalError reports that the gateway drained cleanly after a signal that nobody had planned. It leaves "running" in its state,
// so the next boot starts it again.
type SignalError struct{ Signal os.Signal }

func (e *SignalError) Error() string { return "ended by signal: " + e.Signal.String() }

// ErrRestartRequested reports that the gateway drained cleanly and that gateway_state.json asks for a restart.
var ErrRestartRequested = errors.New("restart requested")
