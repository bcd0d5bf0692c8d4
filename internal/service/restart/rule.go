package restart

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Rule says how a service that fails is started again (contract B2). All managers that restart services use this rule.
type Rule struct {
	// First is the pause before the third start in a row; the second start comes at once. Each further pause is twice as long, up to
	// Max.
	First, Max time.Duration
	// Healthy is how long a service must live until its earlier failures are forgotten.
	Healthy time.Duration
	// After Limit failures within Window the service is given up.
	Limit  int
	Window time.Duration
}

// Default returns the rule of contract B2: pauses of 1, 2, 4 ... 60 s; after five healthy minutes they begin anew; after ten
// failures within ten minutes the service is given up.
func Default() Rule {
	return Rule{First: time.Second, Max: time.Minute, Healthy: 5 * time.Minute, Limit: 10, Window: 10 * time.Minute}
}

// Decision says what follows a failure.
type Decision struct {
	Failures int           // in a row
	Since    time.Duration // from the first of them to the last
	Delay    time.Duration // before the next start
	GiveUp   bool
	Stopped  bool // the service was told to end and had to be killed, so nothing follows
}

// Decide decides what follows the last of these failures, whose times are ordered, the oldest first.
func (b Rule) Decide(failures []time.Time) Decision {
	n := len(failures)
	if n == 0 {
		return Decision{}
	}
	first := 0
	for i := 1; i < n; i++ {
		// If a service died, waited, and then lived for Healthy, the row of failures is broken.
		if failures[i].Sub(failures[i-1]) > b.Healthy+b.Pause(i-first) {
			first = i
		}
	}
	d := Decision{Failures: n - first, Since: failures[n-1].Sub(failures[first])}
	d.Delay = b.Pause(d.Failures)
	if n >= b.Limit && d.Failures >= b.Limit && failures[n-1].Sub(failures[n-b.Limit]) <= b.Window {
		d.GiveUp, d.Delay = true, 0
	}
	return d
}

// Pause returns how long a service waits before its next start after so many failures in a row.
func (b Rule) Pause(failures int) time.Duration {
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

// Jitter changes a delay at random by up to a quarter, so that services that failed together do not all start again at the same
// moment.
func Jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.75 + rand.Float64()/2))
}

// Tell returns a line that says what follows a failure; how says how the run ended.
func (d Decision) Tell(id fmt.Stringer, how string) string {
	switch {
	case d.Stopped:
		return fmt.Sprintf("%s was told to end and did not do so by itself (%s): it stays down", id, how)
	case d.Delay <= 0:
		return fmt.Sprintf("%s failed (%s): it is started again at once", id, how)
	}
	return fmt.Sprintf("%s failed (%s), %d times in a row: next start in %s", id, how, d.Failures, d.Delay.Round(100*time.Millisecond))
}
