package restart

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Rule says how a service that fails is started again (contract B2). It is the rule of every
// manager that does its own restarting.
type Rule struct {
	// First is the pause before the third start in a row; the second start comes at once. It
	// doubles from there up to Max.
	First, Max time.Duration
	// Healthy is how long a service must live to have its earlier failures forgotten.
	Healthy time.Duration
	// Limit failures within Window, and it is not started any more.
	Limit  int
	Window time.Duration
}

// Default returns the rule of contract B2: 1, 2, 4 ... 60 s; five healthy minutes start over; ten
// failures within ten minutes are enough.
func Default() Rule {
	return Rule{First: time.Second, Max: time.Minute, Healthy: 5 * time.Minute, Limit: 10, Window: 10 * time.Minute}
}

// Decision is what follows a failure.
type Decision struct {
	Failures int           // in a row
	Since    time.Duration // from the first of them to the last
	Delay    time.Duration // before the next start
	GiveUp   bool
	Stopped  bool // it was to end, and had to be killed: nothing follows
}

// Decide looks at the times of failures, oldest first.
func (b Rule) Decide(failures []time.Time) Decision {
	n := len(failures)
	if n == 0 {
		return Decision{}
	}
	first := 0
	for i := 1; i < n; i++ {
		// A service that died, waited and then lived on for Healthy breaks the row.
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

// Pause returns how long a service waits after so many failures in a row before it is started again.
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

// Jitter spreads a delay by a quarter either way, so that services which failed together do not
// come back together.
func Jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.75 + rand.Float64()/2))
}

// Tell says what follows a failure that is tried again; how is how it ended.
func (d Decision) Tell(id fmt.Stringer, how string) string {
	switch {
	case d.Stopped:
		return fmt.Sprintf("%s was told to end and did not do so by itself (%s): it stays down", id, how)
	case d.Delay <= 0:
		return fmt.Sprintf("%s failed (%s): it is started again at once", id, how)
	}
	return fmt.Sprintf("%s failed (%s), %d times in a row: next start in %s", id, how, d.Failures, d.Delay.Round(100*time.Millisecond))
}
