package operate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"hermes/internal/environment"
	"hermes/internal/localtime"
	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// FailedStartError reports a gateway that was started and is not ready, and what the gateway itself said (B4). Error returns only the
// manager's text: the command line and the dashboard show the rest each in its own way.
type FailedStartError struct {
	// Err holds a *service.NotReadyError.
	Err error
	// Reason is why the gateway ended, from its state file; "" if it runs, or did not say.
	Reason string
	// Lines are the last lines of its log, up to explainLines, that it wrote since the start or the restart began. Lines of earlier runs
	// are left out: people would take them for the reason of this failure.
	Lines []logs.Line
}

// explainLines is how much of a log explains a failure: a configuration error takes one line, the end of a panic some more.
const explainLines = 8

func (e *FailedStartError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *FailedStartError) Unwrap() error { return e.Err }

const (
	// logWithin is how long explained waits for the last lines of a gateway that ended. The manager learns of the end at once, while
	// the logger may still be reading what the gateway wrote before it. On an idle machine that takes a millisecond.
	logWithin = 500 * time.Millisecond
	logEvery  = 10 * time.Millisecond
)

// explained adds to an error about readiness what the gateway said since a start began. Other errors stay as they are.
func explained(ctx context.Context, err error, h profile.Home, begun time.Time) error {
	var notReady *service.NotReadyError
	if !errors.As(err, &notReady) {
		return err
	}
	e := &FailedStartError{Err: err}
	if s, serr := profile.ReadState(h); serr == nil && notReady.Ended {
		e.Reason = s.ExitReason
	}
	zone := localtime.Zone(environment.Get("TZ"))
	read := func() []logs.Line {
		lines, _ := logs.LastSince(h.Logs(), explainLines, begun, zone) // a log that cannot be read explains nothing
		return lines
	}
	ctx, cancel := context.WithTimeout(ctx, logWithin)
	defer cancel()
	e.Lines = lastLines(e.Reason, read, func() bool {
		select {
		case <-time.After(logEvery):
			return true
		case <-ctx.Done():
			return false
		}
	})
	return e
}

// lastLines reads a log until the reason of an end is in it, or until again returns false. Without a reason it reads once.
func lastLines(reason string, read func() []logs.Line, again func() bool) []logs.Line {
	reason, _, _ = strings.Cut(reason, "\n")
	lines := read()
	for reason != "" && !slices.ContainsFunc(lines, func(l logs.Line) bool { return strings.Contains(l.Text, reason) }) && again() {
		lines = read()
	}
	return lines
}
