package operate_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
)

// services is slots of a host: some profiles are installed, and none is registered as it is made.
type services struct{ *slots }

func (s services) SupportsRegistration() bool { return false }
func (s services) Kind() service.Kind         { return service.KindSystemd }
func (s services) Name(service.ID) string     { return "systemd (user)" }

func (s services) Installed(id service.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.up[id]
	return known
}

func (s services) Move(_ context.Context, from service.ID, to service.Spec) error {
	return s.do("move", from, func() {
		delete(s.up, from)
		s.up[to.ID] = to.Up
	})
}

func (s services) List(context.Context) (all []service.Status, err error) {
	for id, up := range s.up {
		all = append(all, service.Status{ID: id, Up: up, WantUp: up, ExitCode: -1})
	}
	return all, nil
}

// newServices returns profiles with coder, which is installed and runs, and loose, which is not installed.
func newServices(t *testing.T) (operate.Profiles, services, profile.Home, profile.Home) {
	t.Helper()
	p, _, coder := newProfiles(t)
	m := services{newSlots()}
	m.up[service.Gateway(coder.Name)] = true
	p.Manager = service.Split{Host: m}
	made, err := provision.Create(t.Context(), p.Store, profileName(t, "loose"), nil, none)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Register(t.Context(), made.Home); err != nil || m.Installed(service.Gateway(made.Home.Name)) {
		t.Fatalf("a profile that was made is installed, or %v", err)
	}
	return p, m, coder, made.Home
}

func TestAnInstalledServiceGoesWithItsProfile(t *testing.T) {
	p, m, coder, loose := newServices(t)
	if err := p.Delete(t.Context(), loose.Name); err != nil || m.told != nil {
		t.Errorf("one that is not installed: %v, told %q", err, m.told)
	}
	if err := p.Delete(t.Context(), coder.Name); err != nil {
		t.Fatal(err)
	}
	if want := []string{"stop gateway-coder", "unregister gateway-coder"}; !slices.Equal(m.told, want) {
		t.Errorf("told %q, want %q", m.told, want)
	}
}

func TestAnInstalledServiceMovesWithItsProfile(t *testing.T) {
	p, m, coder, _ := newServices(t)
	h, ran, err := p.Rename(t.Context(), coder.Name, profileName(t, "reviewer"))
	if err != nil || !ran || h.Name.String() != "reviewer" {
		t.Fatalf("%v %v %v", h, ran, err)
	}
	if want := []string{"stop gateway-coder", "move gateway-coder"}; !slices.Equal(m.told, want) || !m.Installed(service.Gateway(h.Name)) {
		t.Errorf("told %q, want %q", m.told, want)
	}
}

func TestEachGatewayIsAskedOfItsOwnManager(t *testing.T) {
	p, m, coder, loose := newServices(t)
	rest := newSlots()
	l := operate.Lifecycle{Manager: p.Manager, Store: p.Store}
	var no *service.NotInstalledError
	var unknown *service.GatewayNotRegisteredError
	if err := l.Start(t.Context(), loose.Name, 0); !errors.As(err, &no) || !errors.As(err, &unknown) {
		t.Errorf("one that nobody runs: %v", err)
	}
	if _, err := profile.ReadState(loose); !errors.Is(err, profile.ErrNoState) {
		t.Errorf("its refused start left a state: %v", err)
	}
	l.Manager = service.Split{Host: m, Rest: rest}
	for _, h := range []profile.Home{coder, loose} {
		if err := l.Start(t.Context(), h.Name, 0); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(m.told, []string{"start gateway-coder"}) || !slices.Equal(rest.told, []string{"register gateway-loose", "start gateway-loose"}) {
		t.Errorf("the host was told %q, the other %q", m.told, rest.told)
	}
}
