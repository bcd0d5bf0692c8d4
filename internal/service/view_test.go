package service_test

import (
	"testing"

	"hermes/internal/profile"
	"hermes/internal/service"
)

func TestStateWords(t *testing.T) {
	const (
		none     = profile.StateNone
		starting = profile.StateStarting
		running  = profile.StateRunning
		degraded = profile.StateDegraded
		draining = profile.StateDraining
		stopped  = profile.StateStopped
		failed   = profile.StateStartupFailed
	)
	down := service.Status{ExitCode: -1}
	wanted := service.Status{WantUp: true, ExitCode: 1}
	up := service.Status{Up: true, WantUp: true, PID: 1 << 30, ExitCode: -1}
	ready := service.Status{Up: true, Ready: true, WantUp: true, PID: 1 << 30, ExitCode: -1}
	backoff := service.Status{Up: true, WantUp: true, Backoff: true, PID: 1 << 30, ExitCode: -1}
	for _, tt := range []struct {
		name string
		st   service.Status
		file profile.GatewayState
		want string
	}{
		{"down", down, none, "stopped"},
		{"down", down, stopped, "stopped"},
		{"down", down, running, "stopped"}, // killed: what it wrote is stale
		{"down", down, draining, "stopped"},
		{"down", down, starting, "stopped"},
		{"down", down, failed, "startup_failed"},
		{"wanted", wanted, running, "starting"},
		{"wanted", wanted, failed, "starting"},
		{"up", up, none, "starting"},
		{"up", up, running, "starting"},
		{"up", up, failed, "starting"},
		{"ready", ready, none, "running"},
		{"ready", ready, starting, "running"},
		{"ready", ready, running, "running"},
		{"ready", ready, stopped, "running"},
		{"ready", ready, failed, "running"},
		{"ready", ready, degraded, "degraded"},
		{"ready", ready, draining, "draining"},
		{"backoff", backoff, running, "backoff"},
		{"backoff", backoff, failed, "backoff"},
	} {
		t.Run(tt.name+" "+string(tt.file), func(t *testing.T) {
			_, _, h := newLifecycle(t)
			if err := profile.UpdateState(t.Context(), h, func(s *profile.State) error {
				s.Gateway, s.Desired, s.ExitReason = tt.file, profile.DesiredRunning, "no key"
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			v := service.FromStatus(tt.st, h, "s6")
			if v.State != tt.want {
				t.Errorf("state is %q, want %q", v.State, tt.want)
			}
			if v.Up() != tt.st.Up || v.Ready != tt.st.Ready || v.Desired != profile.DesiredRunning {
				t.Errorf("%+v", v)
			}
			if (v.Reason == "no key") == tt.st.Ready {
				t.Errorf("reason is %q", v.Reason)
			}
		})
	}
}
