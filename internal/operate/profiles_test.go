package operate_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
)

// slots is a manager that remembers what it was told, in order.
type slots struct {
	service.Manager
	mu     sync.Mutex
	up     map[service.ID]bool // registered: wanted up
	told   []string
	before func(action string) error // called first
	static bool
}

func newSlots() *slots { return &slots{up: map[service.ID]bool{}} }

func (s *slots) do(action string, id service.ID, f func()) error {
	if s.before != nil {
		if err := s.before(action); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, action+" "+id.String())
	if _, known := s.up[id]; !known && action != "register" {
		return service.NotRegistered(id)
	}
	f()
	return nil
}

func (s *slots) SupportsRegistration() bool { return !s.static }

func (s *slots) Register(_ context.Context, spec service.Spec) error {
	return s.do("register", spec.ID, func() { s.up[spec.ID] = spec.Up })
}

func (s *slots) Unregister(_ context.Context, id service.ID) error {
	return s.do("unregister", id, func() { delete(s.up, id) })
}

func (s *slots) Start(_ context.Context, id service.ID, _ time.Duration) error {
	return s.do("start", id, func() { s.up[id] = true })
}

func (s *slots) Stop(_ context.Context, id service.ID, _ time.Duration) error {
	return s.do("stop", id, func() { s.up[id] = false })
}

func (s *slots) Status(_ context.Context, id service.ID) (service.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	up, known := s.up[id]
	if !known {
		return service.Status{}, service.NotRegistered(id)
	}
	return service.Status{ID: id, Up: up, WantUp: up, ExitCode: -1}, nil
}

func profileName(t *testing.T, s string) profile.Name {
	t.Helper()
	n, err := profile.ParseName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func none(string) string { return "" }

// newProfiles returns profiles with coder, which exists and has a slot.
func newProfiles(t *testing.T) (operate.Profiles, *slots, profile.Home) {
	t.Helper()
	m := newSlots()
	p := operate.Profiles{Manager: m, Store: profile.NewStore(t.TempDir())}
	made, err := provision.Create(t.Context(), p.Store, profileName(t, "coder"), nil, none)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Register(t.Context(), made.Home); err != nil {
		t.Fatal(err)
	}
	m.told = nil
	return p, m, made.Home
}

func TestDeleteStopsThenUnregistersThenRemoves(t *testing.T) {
	p, m, h := newProfiles(t)
	m.up[service.Gateway(h.Name)] = true
	m.before = func(action string) error {
		if _, err := os.Stat(h.Soul()); err != nil && len(m.told) < 2 { // the last is to be sure that no slot came back
			t.Errorf("%s came after the home had gone", action)
		}
		return nil
	}
	if err := p.Delete(t.Context(), h.Name); err != nil {
		t.Fatal(err)
	}
	if len(m.up) != 0 || !slices.Equal(m.told[:2], []string{"stop gateway-coder", "unregister gateway-coder"}) {
		t.Error(m.told, m.up)
	}
	if _, err := os.Stat(h.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	var missing *profile.NotFoundError
	if err := p.Delete(t.Context(), h.Name); !errors.As(err, &missing) {
		t.Error(err)
	}
}

func TestASlotWithoutAProfileIsDeletedToo(t *testing.T) {
	p, m, h := newProfiles(t)
	if err := os.RemoveAll(h.Dir); err != nil { // from the host
		t.Fatal(err)
	}
	if err := p.Delete(t.Context(), h.Name); err != nil || len(m.up) != 0 {
		t.Error(err, m.up)
	}
}

func TestAGatewayThatDoesNotStopIsNotDeleted(t *testing.T) {
	p, m, h := newProfiles(t)
	m.up[service.Gateway(h.Name)] = true
	m.before = func(string) error { return &service.NotDownError{Service: service.Gateway(h.Name)} }
	var notDown *service.NotDownError
	if err := p.Delete(t.Context(), h.Name); !errors.As(err, &notDown) {
		t.Error(err)
	}
	if _, err := p.Store.Get(h.Name); err != nil {
		t.Error(err)
	}
}

func TestTheRootProfileIsNeverTouched(t *testing.T) {
	p, m, h := newProfiles(t)
	var root *profile.RootProfileError
	if err := p.Delete(t.Context(), profile.Default()); !errors.As(err, &root) {
		t.Error(err)
	}
	for _, pair := range [][2]profile.Name{{profile.Default(), profileName(t, "x")}, {h.Name, profile.Default()}} {
		if _, _, err := p.Rename(t.Context(), pair[0], pair[1]); !errors.As(err, &root) {
			t.Error(err)
		}
	}
	if len(m.told) != 0 {
		t.Error(m.told)
	}
}

func TestASlotThatCameBackDuringADeleteGoesAgain(t *testing.T) {
	p, m, h := newProfiles(t)
	if err := p.Delete(t.Context(), h.Name); err != nil {
		t.Fatal(err)
	}
	// A start that had found the profile before registers it now, and finds out that it is gone.
	var missing *profile.NotFoundError
	if err := p.Register(t.Context(), h); !errors.As(err, &missing) || len(m.up) != 0 {
		t.Error(err, m.up)
	}
}

func TestOfManyDeletesAtOnceNoneFailsOddly(t *testing.T) {
	p, m, h := newProfiles(t)
	m.up[service.Gateway(h.Name)] = true
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range 8 {
		wg.Go(func() {
			err := p.Delete(t.Context(), h.Name)
			var missing *profile.NotFoundError
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
			} else if !errors.As(err, &missing) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if done == 0 || len(m.up) != 0 {
		t.Error(done, m.up)
	}
	if entries, err := os.ReadDir(p.Store.Root() + "/profiles"); err != nil || len(entries) != 0 {
		t.Error(entries, err)
	}
}

func TestAForegroundGatewayIsStoppedForADeleteAndForbidsARename(t *testing.T) {
	p, _, h := newProfiles(t)
	p.Manager = nil
	lock, err := h.Files().TryLock(profile.LockName)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var running *profile.RunningError
	if _, _, err := p.Rename(ctx, h.Name, profileName(t, "other")); !errors.As(err, &running) {
		t.Error(err)
	}
	p.StopForeground = func(_ context.Context, h profile.Home, wait time.Duration) error {
		if s, err := profile.ReadState(h); err != nil || s.Desired != profile.DesiredStopped || wait <= 0 {
			t.Errorf("%+v, %v, %s: its end would not be a planned one", s, err, wait)
		}
		return lock.Unlock()
	}
	if err := p.Delete(t.Context(), h.Name); err != nil {
		t.Error(err)
	}
}

func TestRenameMovesTheSlotAndTellsWhetherItRan(t *testing.T) {
	for _, up := range []bool{false, true} {
		p, m, h := newProfiles(t)
		m.up[service.Gateway(h.Name)] = up
		to := profileName(t, "reviewer")
		got, ran, err := p.Rename(t.Context(), h.Name, to)
		if err != nil || got.Name != to || ran != up {
			t.Error(got, ran, err)
		}
		if want, known := m.up[service.Gateway(to)]; len(m.up) != 1 || !known || want {
			t.Error(m.up)
		}
	}
}

func TestARenameThatCannotBeStopsNoGateway(t *testing.T) {
	p, m, h := newProfiles(t)
	m.up[service.Gateway(h.Name)] = true
	if _, err := provision.Create(t.Context(), p.Store, profileName(t, "taken"), nil, none); err != nil {
		t.Fatal(err)
	}
	var exists *profile.ExistsError
	if _, _, err := p.Rename(t.Context(), h.Name, profileName(t, "taken")); !errors.As(err, &exists) || len(m.told) != 0 {
		t.Error(err, m.told)
	}
}

func TestARenameThatFailsPutsTheSlotBack(t *testing.T) {
	p, m, h := newProfiles(t)
	m.up[service.Gateway(h.Name)] = true
	m.before = func(action string) error { // the new name is taken in the meantime
		if action == "stop" {
			if _, err := provision.Create(t.Context(), p.Store, profileName(t, "taken"), nil, none); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	var exists *profile.ExistsError
	if _, _, err := p.Rename(t.Context(), h.Name, profileName(t, "taken")); !errors.As(err, &exists) {
		t.Error(err)
	}
	if !m.up[service.Gateway(h.Name)] || len(m.up) != 1 {
		t.Error(m.up)
	}
}

func TestWhereNothingIsRegisteredAtRunTimeOnlyTheFilesChange(t *testing.T) {
	for _, manager := range []service.Manager{nil, &slots{up: map[service.ID]bool{}, static: true}} {
		p, _, h := newProfiles(t)
		p.Manager = manager
		if err := p.Register(t.Context(), h); err != nil {
			t.Error(err)
		}
		h, _, err := p.Rename(t.Context(), h.Name, profileName(t, "reviewer"))
		if err != nil {
			t.Error(err)
		}
		if err := p.Delete(t.Context(), h.Name); err != nil {
			t.Error(err)
		}
		if m, ok := manager.(*slots); ok && len(m.told) != 0 {
			t.Error(m.told)
		}
	}
}
