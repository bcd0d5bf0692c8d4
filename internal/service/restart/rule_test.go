package restart

import (
	"testing"
	"time"
)

func TestBackoffDecides(t *testing.T) {
	const s, m = time.Second, time.Minute
	// every returns the times of n failures, one after each d.
	every := func(n int, d time.Duration) []time.Duration {
		all := make([]time.Duration, n)
		for i := range all {
			all[i] = time.Duration(i) * d
		}
		return all
	}
	for _, tt := range []struct {
		name     string
		failures []time.Duration
		want     Decision
	}{
		{"no failure", nil, Decision{}},
		{"the first is mended at once", every(1, 0), Decision{Failures: 1}},
		{"second", every(2, s), Decision{Failures: 2, Since: s, Delay: s}},
		{"third", every(3, s), Decision{Failures: 3, Since: 2 * s, Delay: 2 * s}},
		{"fourth", every(4, s), Decision{Failures: 4, Since: 3 * s, Delay: 4 * s}},
		{"fifth", every(5, s), Decision{Failures: 5, Since: 4 * s, Delay: 8 * s}},
		{"sixth", every(6, s), Decision{Failures: 6, Since: 5 * s, Delay: 16 * s}},
		{"seventh", every(7, s), Decision{Failures: 7, Since: 6 * s, Delay: 32 * s}},
		{"eighth reaches the most", every(8, s), Decision{Failures: 8, Since: 7 * s, Delay: m}},
		{"ninth stays there", every(9, s), Decision{Failures: 9, Since: 8 * s, Delay: m}},
		{"tenth gives up", every(10, s), Decision{Failures: 10, Since: 9 * s, GiveUp: true}},
		{"ten in just ten minutes", every(10, 600*s/9), Decision{Failures: 10, Since: 600 * s / 9 * 9, GiveUp: true}},
		{"ten in more", every(10, 67*s), Decision{Failures: 10, Since: 603 * s, Delay: m}},
		{"many, spread", every(100, 5*m), Decision{Failures: 100, Since: 495 * m, Delay: m}},
		{"five healthy minutes start over", []time.Duration{0, s, 2 * s, 2*s + 5*m + 3*s}, Decision{Failures: 1}},
		{"the pause is not health", []time.Duration{0, s, 2 * s, 2*s + 5*m + s}, Decision{Failures: 4, Since: 5*m + 3*s, Delay: 4 * s}},
		{"a pause of a minute is not health", append(every(8, s), 7*s+5*m+30*s), Decision{Failures: 9, Since: 7*s + 5*m + 30*s, Delay: m}},
		{"health forgets what came before it", append(every(9, s), 20*m, 20*m+s), Decision{Failures: 2, Since: s, Delay: s}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var failures []time.Time
			for _, d := range tt.failures {
				failures = append(failures, time.Unix(1_700_000_000, 0).Add(d))
			}
			if got := Default().Decide(failures); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestJitterIsAQuarterEitherWay(t *testing.T) {
	low, high := time.Hour, time.Duration(0)
	for range 10_000 {
		d := Jitter(time.Minute)
		low, high = min(low, d), max(high, d)
	}
	if low < 45*time.Second || low > 46*time.Second || high > 75*time.Second || high < 74*time.Second {
		t.Errorf("between %s and %s", low, high)
	}
}

func TestAnExitMeansWhatTheContractSays(t *testing.T) {
	for _, tt := range []struct {
		code   int
		signal string
		want   Exit
	}{
		{0, "", Stay}, {78, "", Stay}, {126, "", Stay},
		{75, "", Again}, {143, "", Again}, {-1, "SIGTERM", Again}, {129, "", Again}, {-1, "SIGHUP", Again},
		{1, "", Failure}, {2, "", Failure}, {127, "", Failure}, {-1, "", Failure}, {-1, "SIGKILL", Failure},
		{0, "SIGSEGV", Failure},
	} {
		if got := Of(tt.code, tt.signal); got != tt.want {
			t.Errorf("Of(%d, %q) = %d, want %d", tt.code, tt.signal, got, tt.want)
		}
	}
}
