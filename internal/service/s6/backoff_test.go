package s6

import (
	"math"
	"testing"
	"time"

	"hermes/internal/service/restart"
)

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
		d, err := parseDeath(tt.line)
		if d.Failed() != tt.failed || (err != nil) != tt.bad {
			t.Errorf("parseDeath(%q) = %+v, %v", tt.line, d, err)
		}
		if err == nil && d.Time.Unix() != 0x6b04c01a {
			t.Errorf("parseDeath(%q) is at %v", tt.line, d.Time)
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
		died, err := parseDeath(line)
		if err != nil {
			return
		}
		d := restart.Default().Decide([]time.Time{time.Unix(0, 0), died.Time, time.Unix(math.MaxInt32, 0)})
		if d.Failures < 1 || d.Failures > 3 || d.Delay < 0 || d.Delay > time.Minute {
			t.Errorf("%q leads to %+v", line, d)
		}
	})
}
