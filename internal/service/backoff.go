package service

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"hermes/internal/profile"
	"hermes/internal/profile/config"
)

// Backoff says how a service that fails is started again (contract B2). It is the rule of every
// manager that does its own restarting.
type Backoff struct {
	// First is the pause before the third start in a row; the second start comes at once. It
	// doubles from there up to Max.
	First, Max time.Duration
	// Healthy is how long a service must live to have its earlier failures forgotten.
	Healthy time.Duration
	// Limit failures within Window, and it is not started any more.
	Limit  int
	Window time.Duration
}

// DefaultBackoff returns the rule of contract B2: 1, 2, 4 ... 60 s; five healthy minutes start over; ten
// failures within ten minutes are enough.
func DefaultBackoff() Backoff {
	return Backoff{First: time.Second, Max: time.Minute, Healthy: 5 * time.Minute, Limit: 10, Window: 10 * time.Minute}
}

// BackoffOf returns the rule for a service: a profile may have limits of its own.
func BackoffOf(store *profile.Store, id ID) Backoff {
	b := DefaultBackoff()
	n, ok := id.Profile()
	if !ok {
		return b
	}
	if c, err := config.Load(store.Home(n)); err == nil { // a wrong file is the gateway's to report
		b.Limit, b.Window = c.Gateway.GiveUp()
	}
	return b
}

// Decision is what follows a failure.
type Decision struct {
	Failures int           // in a row
	Since    time.Duration // from the first of them to the last
	Delay    time.Duration // before the next start
	GiveUp   bool
	Last     Death // the last of them, where the manager told which it was
	Stopped  bool  // it was to end, and had to be killed: nothing follows
}

// Decide looks at the times of failures, oldest first.
func (b Backoff) Decide(failures []time.Time) Decision {
	n := len(failures)
	if n == 0 {
		return Decision{}
	}
	first := 0
	for i := 1; i < n; i++ {
		// A service that died, waited and then lived on for Healthy breaks the row.
		if failures[i].Sub(failures[i-1]) > b.Healthy+b.delay(i-first) {
			first = i
		}
	}
	d := Decision{Failures: n - first, Since: failures[n-1].Sub(failures[first])}
	d.Delay = b.delay(d.Failures)
	if n >= b.Limit && d.Failures >= b.Limit && failures[n-1].Sub(failures[n-b.Limit]) <= b.Window {
		d.GiveUp, d.Delay = true, 0
	}
	return d
}

func (b Backoff) delay(failures int) time.Duration {
	if failures < 2 {
		return 0
	}
	d := b.First
	for range failures - 2 {
		if d *= 2; d >= b.Max {
			return b.Max
		}
	}
	return d
}

// Jitter spreads a delay by a quarter either way, so that services which failed together do not
// come back together.
func Jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.75 + rand.Float64()/2))
}

// Tell says what follows a failure that is tried again; how is how it ended.
func (d Decision) Tell(id ID, how string) string {
	switch {
	case d.Stopped:
		return fmt.Sprintf("%s was told to end and did not do so by itself (%s): it stays down", id, how)
	case d.Delay <= 0:
		return fmt.Sprintf("%s failed (%s): it is started again at once", id, how)
	}
	return fmt.Sprintf("%s failed (%s), %d times in a row: next start in %s", id, how, d.Failures, d.Delay.Round(100*time.Millisecond))
}

// RecordGaveUp writes into a profile's state that its manager stopped trying (B2), and returns the sentence for the
// log. A service that is no gateway has no state. The error is about the state file; the sentence is valid all the same.
func RecordGaveUp(ctx context.Context, store *profile.Store, id ID, d Decision, how string) (string, error) {
	summary := fmt.Sprintf("gave up after %d failures in %s", d.Failures, d.Since.Round(time.Second))
	n, ok := id.Profile()
	if !ok {
		return fmt.Sprintf("%s: %s: %s", id, summary, how), nil
	}
	reason := how
	err := profile.UpdateState(ctx, store.Home(n), func(s *profile.State) error {
		if s.ExitReason != "" {
			reason = s.ExitReason
		}
		s.Gateway, s.PID = profile.StateStartupFailed, 0
		s.ExitReason = summary + ": " + reason
		return nil
	})
	return fmt.Sprintf("%s: %s: %s; `%s` tries again", id, summary, reason, StartCommand(n)), err
}

// Exit is what the end of a service's process means (contract "Exit codes").
type Exit int

// The meanings.
const (
	ExitFailure Exit = iota // start it again, with backoff
	ExitAgain               // start it again at once: it asked for that, or somebody ended it
	ExitStay                // it stays down: a planned end, or one that a restart cannot help
)

// ExitOf tells what an exit code, or a signal such as SIGTERM, means. code counts only without a signal. SIGTERM and SIGHUP, and
// 143 and 129 after them, are an end that somebody asked for, not a failure.
func ExitOf(code int, signal string) Exit {
	switch {
	case signal == "SIGTERM", signal == "SIGHUP", signal == "" && (code == 75 || code == 129 || code == 143):
		return ExitAgain
	case signal == "" && (code == 0 || code == 78 || code == 126):
		return ExitStay
	}
	return ExitFailure
}
