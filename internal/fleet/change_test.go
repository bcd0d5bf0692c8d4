package fleet

import (
	"slices"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
)

// TestAFailureIsTheReasonOfTheStepAfterIt, whether somebody saw the gateway down or not, and of no other step.
func TestAFailureIsTheReasonOfTheStepAfterIt(t *testing.T) {
	gateway := func(state string, pid int, failed service.Death, reason string) *Gateway {
		return &Gateway{View: View{Profile: profile.Default(), State: state, PID: pid, LastFailure: failed, Reason: reason}}
	}
	died := service.Death{Time: time.Now(), ExitCode: -1, Signal: "SIGKILL", OutOfMemory: true}
	none := service.Death{}
	history := []Change{{Time: died.Time.Add(-time.Hour), To: "running", PID: 7}}
	for name, tt := range map[string]struct {
		old, now *Gateway
		step     bool
		reason   string
	}{
		"seen down":             {gateway("running", 7, none, ""), gateway("starting", 0, died, ""), true, "killed by SIGKILL, out of memory"},
		"back already":          {gateway("running", 7, none, ""), gateway("running", 8, died, ""), true, "killed by SIGKILL, out of memory"},
		"told before":           {gateway("starting", 0, died, ""), gateway("running", 8, died, ""), true, ""},
		"it says more itself":   {gateway("starting", 7, none, ""), gateway("backoff", 9, died, "no key"), true, "no key"},
		"nothing happened":      {gateway("running", 8, died, ""), gateway("running", 8, died, ""), false, ""},
		"a look after a start":  {nil, gateway("running", 8, died, ""), true, "killed by SIGKILL, out of memory"},
		"an old one, seen anew": {nil, gateway("running", 8, service.Death{Time: died.Time.Add(-2 * time.Hour), ExitCode: 1}, ""), true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, step := changed(tt.old, tt.now, history)
			if step != tt.step || step && c.Reason != tt.reason {
				t.Errorf("got %v, %q; want %v, %q", step, c.Reason, tt.step, tt.reason)
			}
			if tt.old != nil && same(tt.old, tt.now) == step {
				t.Error("whether it looks the same is another matter than whether something happened")
			}
		})
	}
}

// TestAFailureThatIsSeenBesideItsStepIsTold: the supervisor writes down how a process ended before it says that the process is gone, or
// later, when it has decided what follows; somebody may look in between.
func TestAFailureThatIsSeenBesideItsStepIsTold(t *testing.T) {
	died := service.Death{Time: time.Now(), ExitCode: -1, Signal: "SIGKILL"}
	for name, tt := range map[string]struct {
		looks []View
		want  []string
	}{
		"before": {
			[]View{
				{State: "running", PID: 7},
				{State: "running", PID: 7, LastFailure: died}, {State: "running", PID: 7, LastFailure: died, ActiveTurns: 1},
				{State: "running", PID: 8, LastFailure: died}, {State: "running", PID: 8, LastFailure: died, ActiveTurns: 1},
				{State: "stopped", LastFailure: died},
			},
			[]string{"running killed by SIGKILL", "stopped "},
		},
		"after": {
			[]View{
				{State: "running", PID: 7},
				{State: "starting"}, {State: "starting", LastFailure: died}, {State: "starting", PID: 8, LastFailure: died},
				{State: "running", PID: 8, LastFailure: died}, {State: "stopped", LastFailure: died},
			},
			[]string{"starting ", "starting killed by SIGKILL", "running ", "stopped "},
		},
		"forgotten": {
			[]View{{State: "running", PID: 7}, {State: "running", PID: 7, LastFailure: died}, {State: "running", PID: 7}, {State: "running", PID: 8}},
			[]string{"running "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var old *Gateway
			var told []string
			history := []Change{{Time: died.Time.Add(-time.Hour), To: "running", PID: 7}}
			for _, look := range tt.looks {
				now := &Gateway{View: look}
				now.untold = untold(old, now)
				if c, step := changed(old, now, history); step {
					history = append(history, c)
					told = append(told, c.To+" "+c.Reason)
					now.untold = false
				}
				old = now
			}
			if !slices.Equal(told, tt.want) {
				t.Errorf("told %q, want %q", told, tt.want)
			}
		})
	}
}
