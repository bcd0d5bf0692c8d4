package s6

import (
	"math"
	"testing"
	"time"
)

func TestBackoffDecides(t *testing.T) {
	const s, m = time.Second, time.Minute
	// every returns the times of n failures, one each d.
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
			if got := DefaultBackoff().Decide(failures); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestJitterIsAQuarterEitherWay(t *testing.T) {
	low, high := time.Hour, time.Duration(0)
	for range 10_000 {
		d := jitter(time.Minute)
		low, high = min(low, d), max(high, d)
	}
	if low < 45*time.Second || low > 46*time.Second || high > 75*time.Second || high < 74*time.Second {
		t.Errorf("between %s and %s", low, high)
	}
}

func TestParseDeath(t *testing.T) {
	for _, tt := range []struct {
		line   string
		failed bool
		bad    bool
	}{
		{line: "@400000006b04c01a05f7611d signal SIGKILL\n", failed: true},
		{line: "@400000006b04c01a05f7611d exitcode 1\n", failed: true},
		{line: "@400000006b04c01a05f7611d exitcode 78", failed: true},
		{line: "@400000006b04c01a05f7611d signal SIGTERM"},
		{line: "@400000006b04c01a05f7611d exitcode 0"},
		{line: "@400000006b04c01a05f7611d exitcode 75"},
		{line: "@400000006b04c01a05f7611d exitcode 143"},
		{line: "", bad: true},
		{line: "@400000006b04c01a05f7611d exitcode", bad: true},
		{line: "@400000006b04c01a05f761 exitcode 1", bad: true},
		{line: "yesterday exitcode 1", bad: true},
	} {
		at, failed, err := parseDeath(tt.line)
		if failed != tt.failed || (err != nil) != tt.bad {
			t.Errorf("parseDeath(%q) = %v, %v", tt.line, failed, err)
		}
		if err == nil && at.Unix() != 0x6b04c01a {
			t.Errorf("parseDeath(%q) is at %v", tt.line, at)
		}
	}
}

func TestParseTAI64N(t *testing.T) {
	// The examples of https://cr.yp.to/libtai/tai64.html: one second before 1970, and 1970 TAI itself.
	for label, want := range map[string]time.Time{
		"@3fffffffffffffff00000000": time.Unix(-1, 0),
		"@400000000000000000000001": time.Unix(0, 1),
		"4000000000000000075bcd15":  time.Unix(0, 123456789),
	} {
		if got, err := parseTAI64N(label); err != nil || !got.Equal(want) {
			t.Errorf("parseTAI64N(%q) = %v, %v; want %v", label, got, err, want)
		}
	}
}

func FuzzParseDeath(f *testing.F) {
	for _, line := range []string{
		"@400000006b04c01a05f7611d signal SIGKILL\n", "@400000006b04c01a05f7611d exitcode 75", "@ exitcode 1",
		"@ffffffffffffffffffffffff exitcode 1", "@000000000000000000000000 signal NA", "a b c", "",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		at, _, err := parseDeath(line)
		if err != nil {
			return
		}
		d := DefaultBackoff().Decide([]time.Time{time.Unix(0, 0), at, time.Unix(math.MaxInt32, 0)})
		if d.Failures < 1 || d.Failures > 3 || d.Delay < 0 || d.Delay > time.Minute {
			t.Errorf("%q leads to %+v", line, d)
		}
	})
}
