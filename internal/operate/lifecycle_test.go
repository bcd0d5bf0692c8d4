package operate_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
)

// fake is a manager made of functions; it registers what it is told to.
type fake struct {
	service.Manager // panics on what a test does not expect
	registered      map[service.ID]bool
	act             func(ctx context.Context, action string) error
	self            bool
}

func (f *fake) Kind() service.Kind         { return service.KindS6 }
func (f *fake) SupportsRegistration() bool { return true }

func (f *fake) Register(_ context.Context, spec service.Spec) error {
	f.registered[spec.ID] = true
	return nil
}

func (f *fake) Status(_ context.Context, id service.ID) (service.Status, error) {
	if !f.registered[id] {
		return service.Status{}, service.NotRegistered(id)
	}
	return service.Status{ID: id, ExitCode: -1, Self: f.self}, nil
}

func (f *fake) Start(ctx context.Context, _ service.ID, _ time.Duration) error {
	return f.act(ctx, "start")
}

func (f *fake) Stop(ctx context.Context, _ service.ID, _ time.Duration) error {
	return f.act(ctx, "stop")
}

func (f *fake) Restart(ctx context.Context, _ service.ID, _ time.Duration) error {
	return f.act(ctx, "restart")
}

// newLifecycle returns a lifecycle over the profile coder, which exists and is registered.
func newLifecycle(t *testing.T) (operate.Lifecycle, *fake, profile.Home) {
	t.Helper()
	store := profile.NewStore(t.TempDir())
	n, err := profile.ParseName("coder")
	if err != nil {
		t.Fatal(err)
	}
	h, err := provision.Seed(context.Background(), store, n)
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{registered: map[service.ID]bool{service.Gateway(n): true}}
	return operate.Lifecycle{Manager: f, Store: store}, f, h
}

func desired(t *testing.T, h profile.Home) profile.DesiredState {
	t.Helper()
	s, err := profile.ReadState(h)
	if err != nil && !errors.Is(err, profile.ErrNoState) {
		t.Fatal(err)
	}
	return s.Desired
}

func TestIntentIsWrittenBeforeTheManagerIsTold(t *testing.T) {
	l, f, h := newLifecycle(t)
	for action, tt := range map[string]struct {
		do   func(context.Context, profile.Name, time.Duration) error
		want profile.DesiredState
	}{
		"start":   {l.Start, profile.DesiredRunning},
		"stop":    {l.Stop, profile.DesiredStopped},
		"restart": {l.Restart, profile.DesiredRunning},
	} {
		told := ""
		f.act = func(_ context.Context, action string) error {
			told = action
			if got := desired(t, h); got != tt.want {
				t.Errorf("%s: told when %q was recorded", action, got)
			}
			return nil
		}
		if err := tt.do(t.Context(), h.Name, time.Second); err != nil || told != action {
			t.Errorf("%s: told %q, %v", action, told, err)
		}
		if got := desired(t, h); got != tt.want {
			t.Errorf("%s: %q is recorded", action, got)
		}
	}
}

// The manager says that this process would end with the gateway.
func TestAGatewayEndsNeitherItselfNorForARestart(t *testing.T) {
	l, f, h := newLifecycle(t)
	f.self = true
	f.act = func(_ context.Context, action string) error {
		t.Errorf("told to %s", action)
		return nil
	}
	for action, do := range map[string]func(context.Context, profile.Name, time.Duration) error{"stop": l.Stop, "restart": l.Restart} {
		var self *service.SelfError
		if err := do(t.Context(), h.Name, time.Second); !errors.As(err, &self) || self.Action != action {
			t.Errorf("%s: %v", action, err)
		}
	}
	if got := desired(t, h); got != "" {
		t.Errorf("%q is recorded", got)
	}
}

// TestAStopStopsWithoutItsRecord: a volume that takes no record keeps nobody from stopping a gateway, and that is said.
func TestAStopStopsWithoutItsRecord(t *testing.T) {
	broken := func(t *testing.T, before profile.DesiredState) (operate.Lifecycle, *fake, profile.Home) {
		l, f, h := newLifecycle(t)
		if err := profile.SetDesired(t.Context(), h, before); err != nil {
			t.Fatal(err)
		}
		// Nobody can lock a directory, root included.
		if err := errors.Join(os.RemoveAll(filepath.Join(h.Dir, ".gateway_state.lock")), os.Mkdir(filepath.Join(h.Dir, ".gateway_state.lock"), 0o700)); err != nil {
			t.Fatal(err)
		}
		return l, f, h
	}
	for _, wait := range []time.Duration{0, time.Second} {
		l, f, h := broken(t, profile.DesiredRunning)
		told := 0
		f.act = func(_ context.Context, action string) error {
			if told++; action != "stop" {
				t.Errorf("told to %s", action)
			}
			return nil
		}
		var kept *service.NotKeptError
		err := l.Stop(t.Context(), h.Name, wait)
		if !errors.As(err, &kept) || told != 1 || kept.Down != (wait > 0) || !strings.Contains(err.Error(), "`hermes -p coder gateway stop`") {
			t.Errorf("told %d times, %v", told, err)
		}
		if got := desired(t, h); got != profile.DesiredRunning {
			t.Errorf("%q is recorded", got)
		}
	}

	l, f, h := broken(t, profile.DesiredRunning)
	refused := errors.New("refused")
	f.act = func(context.Context, string) error { return refused }
	var kept *service.NotKeptError
	if err := l.Stop(t.Context(), h.Name, time.Second); !errors.Is(err, refused) || errors.As(err, &kept) {
		t.Errorf("the manager refused: %v", err)
	}
	f.act = func(_ context.Context, action string) error { t.Errorf("told to %s", action); return nil }
	if err := errors.Join(l.Start(t.Context(), h.Name, time.Second), l.Restart(t.Context(), h.Name, time.Second)); err == nil {
		t.Error("what cannot be recorded is started")
	}

	l, f, h = broken(t, profile.DesiredStopped)
	told := ""
	f.act = func(_ context.Context, action string) error { told += action; return nil }
	if err := l.Stop(t.Context(), h.Name, time.Second); err != nil || told != "stop" {
		t.Errorf("it is recorded already: told %q, %v", told, err)
	}
}

func TestIntentIsUndoneIfTheManagerRefusesAndKeptIfItDoesAsTold(t *testing.T) {
	id := service.Dashboard()
	for _, tt := range []struct {
		name string
		err  error
		kept bool
	}{
		{"refused", &service.S6CommandError{Service: id, ExitCode: 111}, false},
		{"unknown", service.NotRegistered(id), false},
		{"anything", errors.New("no s6-svc"), false},
		{"not ready", &service.NotReadyError{Service: id}, true},
		{"gave up", &service.NotReadyError{Service: id, Ended: true, GaveUp: true}, true},
		{"not down", &service.NotDownError{Service: id}, true},
		{"interrupted while it waits", context.Canceled, true},
		{"timed out", context.DeadlineExceeded, true},
	} {
		for _, before := range []profile.DesiredState{profile.DesiredUnset, profile.DesiredRunning, profile.DesiredStopped} {
			t.Run(tt.name+" "+string(before), func(t *testing.T) {
				l, f, h := newLifecycle(t)
				if err := profile.SetDesired(t.Context(), h, before); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				f.act = func(context.Context, string) error {
					cancel() // undoing must not depend on it
					return tt.err
				}
				do, want := l.Start, profile.DesiredRunning
				if before == profile.DesiredRunning {
					do, want = l.Stop, profile.DesiredStopped
				}
				if !tt.kept {
					want = before
				}
				if err := do(ctx, h.Name, time.Second); !errors.Is(err, tt.err) {
					t.Errorf("error is %v", err)
				}
				if got := desired(t, h); got != want {
					t.Errorf("%q is recorded, want %q", got, want)
				}
			})
		}
	}
}

func TestNothingIsToldWhereTheIntentCannotBeWritten(t *testing.T) {
	l, f, h := newLifecycle(t)
	if err := os.Mkdir(h.StateFile(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(h.StateFile()+".corrupt", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.StateFile()+".corrupt/x", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f.act = func(_ context.Context, action string) error {
		t.Errorf("told to %s", action)
		return nil
	}
	if err := l.Start(t.Context(), h.Name, time.Second); err == nil {
		t.Error("no error")
	}
}

func TestUnknownProfilesAreNotMadeUp(t *testing.T) {
	l, f, _ := newLifecycle(t)
	f.act = func(_ context.Context, action string) error {
		t.Errorf("told to %s", action)
		return nil
	}
	typo, err := profile.ParseName("typo")
	if err != nil {
		t.Fatal(err)
	}
	for action, do := range map[string]func(context.Context, profile.Name, time.Duration) error{
		"start": l.Start, "stop": l.Stop, "restart": l.Restart,
	} {
		var unknown *service.GatewayNotRegisteredError
		if err := do(t.Context(), typo, time.Second); !errors.As(err, &unknown) || unknown.Profile != "typo" {
			t.Errorf("%s: error is %v", action, err)
		}
	}
	if _, err := os.Lstat(l.Store.Home(typo).Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its home: %v", err)
	}
}

func TestFirstStartRegistersAProfileMadeFromOutside(t *testing.T) {
	l, f, h := newLifecycle(t)
	id := service.Gateway(h.Name)
	delete(f.registered, id)
	f.act = func(context.Context, string) error { return nil }
	if err := l.Start(t.Context(), h.Name, time.Second); err != nil || !f.registered[id] {
		t.Errorf("registered %v, %v", f.registered, err)
	}
}

// TestWhoWritesTheIntentLastIsObeyed: a stop that comes while a start is at work has the last word, also with the manager, which
// the start may have told after the stop did.
func TestWhoWritesTheIntentLastIsObeyed(t *testing.T) {
	l, f, h := newLifecycle(t)
	var told []string
	f.act = func(ctx context.Context, action string) error {
		told = append(told, action)
		if len(told) > 1 {
			return nil
		}
		return profile.SetDesired(ctx, h, profile.DesiredStopped) // by another command
	}
	err := l.Start(t.Context(), h.Name, time.Minute)
	var overruled *service.OverruledError
	if !errors.As(err, &overruled) || overruled.Wanted != profile.DesiredStopped {
		t.Errorf("got %v, want *OverruledError", err)
	}
	if want := []string{"start", "stop"}; !slices.Equal(told, want) {
		t.Errorf("the manager was told %v, want %v", told, want)
	}
	if d := desired(t, h); d != profile.DesiredStopped {
		t.Errorf("desired_state is %s", d)
	}
}

// TestRefusedCommandKeepsAnothersIntent: what is taken back is one's own intent, and no other's.
func TestRefusedCommandKeepsAnothersIntent(t *testing.T) {
	l, f, h := newLifecycle(t)
	refused := errors.New("refused")
	f.act = func(ctx context.Context, _ string) error {
		return errors.Join(refused, profile.SetDesired(ctx, h, profile.DesiredStopped))
	}
	if err := l.Restart(t.Context(), h.Name, time.Minute); !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
	if d := desired(t, h); d != profile.DesiredStopped {
		t.Errorf("desired_state is %q, want what the other command wrote", d)
	}
}
