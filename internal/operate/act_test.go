package operate_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// patient is a manager that keeps how long it was to wait, and registers what it is told to.
type patient struct {
	*fake
	waits map[string]time.Duration
}

func (p patient) Start(_ context.Context, _ service.ID, wait time.Duration) error {
	p.waits["start"] = wait
	return nil
}

func (p patient) Stop(_ context.Context, _ service.ID, wait time.Duration) error {
	p.waits["stop"] = wait
	return nil
}

func (p patient) Restart(_ context.Context, _ service.ID, wait time.Duration) error {
	p.waits["restart"] = wait
	return nil
}

func (p patient) List(context.Context) (all []service.Status, err error) {
	for id := range p.registered {
		all = append(all, service.Status{ID: id, WantUp: true, ExitCode: -1})
	}
	return all, nil
}

// The numbers are those that the documents name. A gateway is killed 5 s after its drain_timeout, which is 20 s by default.
func TestAnActionIsWaitedForAsLongAsTheGatewayMayTake(t *testing.T) {
	for drain, want := range map[string]map[operate.Action]time.Duration{
		"":      {operate.Start: 30 * time.Second, operate.Stop: 30 * time.Second, operate.Restart: 55 * time.Second},
		"1s":    {operate.Start: 30 * time.Second, operate.Stop: 30 * time.Second, operate.Restart: 36 * time.Second},
		"1m30s": {operate.Start: 30 * time.Second, operate.Stop: 100 * time.Second, operate.Restart: 125 * time.Second},
	} {
		l, f, h := newLifecycle(t)
		m := patient{f, map[string]time.Duration{}}
		l.Manager = m
		if drain != "" {
			if err := os.WriteFile(h.Config(), []byte("gateway:\n  drain_timeout: "+drain+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for action, wait := range want {
			if err := l.Act(t.Context(), action, h.Name); err != nil || m.waits[string(action)] != wait {
				t.Errorf("drain_timeout %q: %s waits %s, want %s; %v", drain, action, m.waits[string(action)], wait, err)
			}
			if byDefault := operate.WaitByDefault(action); drain == "" && byDefault != wait {
				t.Errorf("%s is said to wait %s by default, and waits %s", action, byDefault, wait)
			}
			if action == operate.Start {
				continue
			}
			clear(m.waits)
			if err := l.All(t.Context(), action, func(operate.Result) {}); err != nil || m.waits[string(action)] != wait {
				t.Errorf("drain_timeout %q: %s of all waits %s, want %s; %v", drain, action, m.waits[string(action)], wait, err)
			}
		}
		l.Wait = func(operate.Action, profile.Home) time.Duration { return time.Minute }
		if err := l.Act(t.Context(), operate.Restart, h.Name); err != nil || m.waits["restart"] != time.Minute {
			t.Errorf("told to wait a minute: %s, %v", m.waits["restart"], err)
		}
	}
}

// What earlier runs wrote does not explain this one, and a gateway that runs has not said why it ended.
func TestAFailedStartIsExplainedByWhatItSaidItself(t *testing.T) {
	l, f, h := newLifecycle(t)
	const earlier = "2026-01-02 03:04:05.000000000  UTC an earlier run\n"
	log := filepath.Join(h.LogDir(), "current")
	if err := os.MkdirAll(h.LogDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, ended := range []bool{true, false} {
		for name, do := range map[string]func(context.Context, profile.Name, time.Duration) error{"start": l.Start, "restart": l.Restart} {
			f.act = func(ctx context.Context, _ string) error {
				line := time.Now().UTC().Format("2006-01-02 15:04:05.000000000") + "  UTC no key: " + name + "\n"
				if err := os.WriteFile(log, []byte(earlier+line), 0o600); err != nil {
					return err
				}
				if err := profile.UpdateState(ctx, h, func(s *profile.State) error { s.ExitReason = "no key"; return nil }); err != nil {
					return err
				}
				return &service.NotReadyError{Service: service.Gateway(h.Name), Ended: ended, ExitCode: 78}
			}
			err := do(t.Context(), h.Name, time.Second)
			var failed *operate.FailedStartError
			var notReady *service.NotReadyError
			if !errors.As(err, &failed) || !errors.As(err, &notReady) || err.Error() != notReady.Error() {
				t.Fatalf("%s: %v", name, err)
			}
			if want := map[bool]string{true: "no key"}[ended]; failed.Reason != want {
				t.Errorf("%s: the reason is %q, want %q", name, failed.Reason, want)
			}
			var said []string
			for _, line := range failed.Lines {
				said = append(said, line.Text)
			}
			if !slices.Equal(said, []string{"no key: " + name}) {
				t.Errorf("%s: its log is %q", name, said)
			}
		}
	}
	refused := &service.S6CommandError{Service: service.Gateway(h.Name), ExitCode: 111}
	f.act = func(context.Context, string) error { return refused }
	var failed *operate.FailedStartError
	if err := l.Start(t.Context(), h.Name, time.Second); !errors.Is(err, refused) || errors.As(err, &failed) {
		t.Errorf("a refusal is no failed start: %v", err)
	}
}

func TestACloneIsRegisteredAndACloneOfNobodyIsNot(t *testing.T) {
	p, m, h := newProfiles(t)
	if err := os.WriteFile(h.Soul(), []byte("a coder"), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := p.Create(t.Context(), profileName(t, "reviewer"), h.Name)
	if err != nil {
		t.Fatal(err)
	}
	if soul, err := os.ReadFile(made.Home.Soul()); err != nil || string(soul) != "a coder" {
		t.Errorf("its identity is %q, %v", soul, err)
	}
	if up, known := m.up[service.Gateway(made.Home.Name)]; !known || up {
		t.Errorf("registered: %v, up: %v", known, up)
	}
	var missing *profile.NotFoundError
	if _, err := p.Create(t.Context(), profileName(t, "other"), profileName(t, "nobody")); !errors.As(err, &missing) {
		t.Errorf("a clone of nobody: %v", err)
	}
	if _, err := p.Create(t.Context(), profileName(t, "other"), profile.Default()); err != nil { // its home is made for that
		t.Errorf("a clone of the default profile: %v", err)
	}
}

func TestAnUninstalledGatewayIsStoppedForGood(t *testing.T) {
	p, m, coder, _ := newServices(t)
	p.Manager = m
	if err := p.Install(t.Context(), coder); err != nil {
		t.Fatal(err)
	}
	if err := p.Uninstall(t.Context(), coder.Name); err != nil {
		t.Fatal(err)
	}
	if want := []string{"register gateway-coder", "stop gateway-coder", "unregister gateway-coder"}; !slices.Equal(m.told, want) {
		t.Errorf("told %q, want %q", m.told, want)
	}
	if d := desired(t, coder); d != profile.DesiredStopped {
		t.Errorf("desired_state is %q", d)
	}
}
