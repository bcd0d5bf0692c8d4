package gateway

import (
	"errors"
	"fmt"
	"os"
)

// HeldError reports a home whose gateway already runs.
type HeldError struct {
	Name string // the profile's
	Lock string // the lock's path
	// PID is the holder's, or 0 if no process that can be seen from here holds the lock:
	// one in another container on the same volume.
	PID int
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("cannot start the gateway of profile '%s': %s is held by a process that cannot be seen from here, "+
			"perhaps in another container on this volume; stop it there first", e.Name, e.Lock)
	}
	return fmt.Sprintf("cannot start the gateway of profile '%s': it already runs with pid %d; `--replace` takes over from it", e.Name, e.PID)
}

// SignalError reports a gateway that drained cleanly after a signal that nobody had
// planned. Its state says running: it is to come back.
type SignalError struct{ Signal os.Signal }

func (e *SignalError) Error() string { return "ended by signal: " + e.Signal.String() }

// ErrRestartRequested reports a gateway that drained cleanly because gateway_state.json
// asked for a restart.
var ErrRestartRequested = errors.New("restart requested")
