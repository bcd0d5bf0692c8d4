package fleet_test

import (
	"context"
	"testing"

	"hermes/internal/fleet"
	"hermes/internal/profile"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
)

// newHome makes a profile.
func newHome(t *testing.T, store *profile.Store, name string) profile.Home {
	t.Helper()
	n, err := profile.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	h, err := provision.Seed(t.Context(), store, n)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// installed is a host with one service.
type installed struct {
	service.Installer // panics on what a test does not expect
	id                service.ID
}

func (i installed) Kind() service.Kind           { return service.KindSystemd }
func (i installed) Installed(id service.ID) bool { return id == i.id }
func (i installed) Name(service.ID) string       { return "systemd (user)" }

func (i installed) Status(_ context.Context, id service.ID) (service.Status, error) {
	return service.Status{}, service.NotRegistered(id)
}

func (i installed) List(context.Context) ([]service.Status, error) {
	return []service.Status{{ID: i.id, Up: true, WantUp: true, ExitCode: -1}}, nil
}

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
			h := newHome(t, profile.NewStore(t.TempDir()), "coder")
			if err := profile.UpdateState(t.Context(), h, func(s *profile.State) error {
				s.Gateway, s.Desired, s.ExitReason = tt.file, profile.DesiredRunning, "no key"
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			v := fleet.FromStatus(tt.st, h, "s6")
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

func TestProfilesThatAreNoServicesAreShownAsTheyAre(t *testing.T) {
	store := profile.NewStore(t.TempDir())
	coder, loose := newHome(t, store, "coder"), newHome(t, store, "loose")
	m := service.Split{Host: installed{id: service.Gateway(coder.Name)}}
	views, _, err := fleet.LookAll(t.Context(), m, store, false)
	if err != nil {
		t.Fatal(err)
	}
	managers := map[profile.Name]string{}
	for _, v := range views {
		managers[v.Profile] = v.Manager
	}
	if managers[coder.Name] != "systemd (user)" || managers[loose.Name] != "manual process" {
		t.Errorf("%v", managers)
	}
	if v, err := fleet.Look(t.Context(), m, loose, false); err != nil || v.Manager != "manual process" {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestAManagerThatGaveUpIsBelieved(t *testing.T) {
	h := newHome(t, profile.NewStore(t.TempDir()), "coder")
	if err := profile.UpdateState(t.Context(), h, func(s *profile.State) error {
		s.Gateway, s.Desired, s.ExitReason = profile.StateStarting, profile.DesiredRunning, "no key"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	v := fleet.FromStatus(service.Status{ID: service.Gateway(h.Name), ExitCode: 1, GaveUp: "gave up after 3 failures within 1m0s"}, h, "systemd (user)")
	if v.State != string(profile.StateStartupFailed) || v.Reason != "gave up after 3 failures within 1m0s: no key" || v.Hint == "" {
		t.Errorf("%+v", v)
	}
}
