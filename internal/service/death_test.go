package service_test

import (
	"testing"
	"time"

	"hermes/internal/service"
)

var diedAt = time.Date(2026, 11, 29, 20, 10, 3, 0, time.UTC)

func exited(code int) service.Death { return service.Death{Time: diedAt, ExitCode: code} }

func killed(signal string) service.Death {
	return service.Death{Time: diedAt, ExitCode: -1, Signal: signal}
}

func TestRestartsAreCountedAndTheLastFailureIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		ends     []service.Death
		again    bool
		restarts int
		last     string
	}{
		"it never ended":                   {nil, true, 0, ""},
		"a wrong configuration":            {[]service.Death{exited(78)}, false, 0, "exit code 78, at 2026-11-29 20:10:03 UTC"},
		"killed once":                      {[]service.Death{killed("SIGKILL")}, true, 1, "killed by SIGKILL, at 2026-11-29 20:10:03 UTC"},
		"killed, not started again yet":    {[]service.Death{killed("SIGKILL")}, false, 0, "killed by SIGKILL, at 2026-11-29 20:10:03 UTC"},
		"given up":                         {[]service.Death{exited(1), exited(1), exited(2)}, false, 2, "exit code 2, at 2026-11-29 20:10:03 UTC"},
		"stopped":                          {[]service.Death{exited(143)}, false, 0, ""},
		"stopped by itself":                {[]service.Death{exited(0)}, false, 0, ""},
		"restarted by hand":                {[]service.Death{exited(143), killed("SIGTERM"), exited(0)}, true, 0, ""},
		"it asked for a restart":           {[]service.Death{exited(75)}, true, 1, ""},
		"killed, then restarted by hand":   {[]service.Death{killed("SIGSEGV"), exited(143)}, true, 1, "killed by SIGSEGV, at 2026-11-29 20:10:03 UTC"},
		"killed, then stopped":             {[]service.Death{killed("SIGABRT"), exited(143)}, false, 1, "killed by SIGABRT, at 2026-11-29 20:10:03 UTC"},
		"out of memory, and started again": {[]service.Death{{Time: diedAt, ExitCode: -1, Signal: "SIGKILL", OutOfMemory: true}}, true, 1, "killed by SIGKILL, out of memory, at 2026-11-29 20:10:03 UTC"},
	} {
		t.Run(name, func(t *testing.T) {
			restarts, last := service.Tally(tt.ends, tt.again)
			if restarts != tt.restarts || last.String() != tt.last {
				t.Errorf("got %d, %q; want %d, %q", restarts, last, tt.restarts, tt.last)
			}
		})
	}
}

func TestAKillIsExplainedOnce(t *testing.T) {
	o := service.OOM{Explained: 3} // kills of before
	for i, step := range []struct {
		died  service.Death
		kills uint64
		ok    bool
		want  bool
	}{
		{killed("SIGKILL"), 3, true, false},  // somebody's kill -9
		{killed("SIGKILL"), 5, true, true},   // two gateways at once:
		{killed("SIGKILL"), 5, true, true},   // each of them has a kill
		{killed("SIGKILL"), 5, true, false},  // and nobody else has
		{killed("SIGSEGV"), 6, true, false},  // the kernel kills with SIGKILL; what it counted was something else
		{killed("SIGKILL"), 6, true, false},  //
		{exited(1), 7, true, false},          // the same
		{killed("SIGKILL"), 7, true, false},  //
		{killed("SIGKILL"), 0, false, false}, // it does not say
		{killed("SIGKILL"), 8, true, true},   //
		{killed("SIGKILL"), 1, true, false},  // another counter
		{killed("SIGKILL"), 2, true, true},   //
	} {
		if got := o.Explain(step.died, step.kills, step.ok); got != step.want {
			t.Errorf("step %d: got %v", i, got)
		}
	}
}
