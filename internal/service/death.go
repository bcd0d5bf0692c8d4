package service

import (
	"context"
	"fmt"
	"time"

	"hermes/internal/exitcode"
	"hermes/internal/service/restart"
)

// Death is the end of a run that failed: nobody had asked it to end, and it did not ask to be started again.
type Death struct {
	// Time is when the run ended.
	Time time.Time `json:"time"`
	// ExitCode is its exit code; -1 if a signal killed it.
	ExitCode int `json:"exit_code"`
	// Signal names what killed it, such as SIGKILL; "" if nothing did.
	Signal string `json:"signal,omitempty"`
	// OutOfMemory is true if it was killed, and the kernel counted a kill for want of memory (OOMKills) that no other
	// death explains.
	OutOfMemory bool `json:"out_of_memory,omitempty"`
}

// IsZero reports whether there was none.
func (d Death) IsZero() bool { return d == Death{} }

// Failed reports whether an end was a failure.
func (d Death) Failed() bool {
	return !d.IsZero() && (d.Signal != "" || d.ExitCode != 0) && restart.Of(d.ExitCode, d.Signal) != restart.Again
}

// asked reports whether an end looks like one that somebody asked for.
func (d Death) asked() bool {
	return d.Signal == "SIGTERM" || d.Signal == "" && (d.ExitCode == exitcode.OK || d.ExitCode == exitcode.Signal(15))
}

// How says in words how the run ended; "" if there was none.
func (d Death) How() string {
	if d.IsZero() {
		return ""
	}
	how := fmt.Sprintf("exit code %d", d.ExitCode)
	if d.Signal != "" {
		how = "killed by " + d.Signal
	}
	if d.OutOfMemory {
		how += ", out of memory"
	}
	return how
}

// String says how and when; "" if there was none.
func (d Death) String() string {
	if d.IsZero() {
		return ""
	}
	return d.How() + ", at " + d.Time.UTC().Format("2006-01-02 15:04:05 UTC")
}

// Tally looks at how the runs of a service ended since it was last started by hand, the oldest first. restarts is how often its
// manager started it again, last the latest failure. again says that another run followed the last end.
func Tally(ends []Death, again bool) (restarts int, last Death) {
	for i, d := range ends {
		if !d.asked() && (again || i < len(ends)-1) {
			restarts++
		}
		if d.Failed() {
			last = d
		}
	}
	return restarts, last
}

// deathTeller is a manager whose Status leaves out Restarts and LastFailure, because looking them up is more work.
type deathTeller interface {
	Deaths(context.Context, Status) (Status, error)
}

// WithDeaths adds to a manager's status what Status leaves out, because it is more work: Restarts and LastFailure.
func WithDeaths(ctx context.Context, m Manager, st Status) (Status, error) {
	if t, ok := m.(deathTeller); ok {
		return t.Deaths(ctx, st)
	}
	return st, nil
}
