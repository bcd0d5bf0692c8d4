package operate

import (
	"errors"
	"time"

	"hermes/internal/environment"
	"hermes/internal/localtime"
	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// FailedStartError reports a gateway that was started and is not ready, and what it said itself (B4). Its text is the manager's
// word only: how the rest is shown depends on who shows it.
type FailedStartError struct {
	// Err holds a *service.NotReadyError.
	Err error
	// Reason is why the gateway ended, from its state file; "" if it runs, or did not say.
	Reason string
	// Lines are the last of its log, up to explainLines, that it wrote since the start or the restart began. What earlier runs
	// said would be taken for the reason of this one.
	Lines []logs.Line
}

// explainLines is how much of a log explains a failure: a configuration error takes one line, the end of a panic some more.
const explainLines = 8

func (e *FailedStartError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *FailedStartError) Unwrap() error { return e.Err }

// explained adds to an error about readiness what the gateway said since a start began. Other errors stay as they are.
func explained(err error, h profile.Home, begun time.Time) error {
	var notReady *service.NotReadyError
	if !errors.As(err, &notReady) {
		return err
	}
	e := &FailedStartError{Err: err}
	if s, serr := profile.ReadState(h); serr == nil && notReady.Ended {
		e.Reason = s.ExitReason
	}
	// A log that cannot be read explains nothing.
	e.Lines, _ = logs.LastSince(h.Logs(), explainLines, begun, localtime.Zone(environment.Get("TZ")))
	return e
}
