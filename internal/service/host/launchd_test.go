package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
)

// launchd is what we know of launchd, and of a gateway that it runs.
type launchd struct {
	t      *testing.T
	home   profile.Home
	told   []string
	loaded bool
	pid    int
	runs   int
	code   int
	begin  func(l *launchd) // what a start does
}

func (l *launchd) run(_ context.Context, args ...string) (string, int, error) {
	if args[0] != "print" {
		l.told = append(l.told, strings.Join(args, " "))
	}
	switch args[0] {
	case "bootstrap", "kickstart":
		l.loaded = true
		l.runs++
		l.begin(l)
	case "bootout":
		l.loaded, l.pid = false, 0
	case "print":
		if !l.loaded {
			return "Could not find service", noSuchJob, nil
		}
		text := fmt.Sprintf("%s = {\n\tactive count = 1\n\truns = %d\n\tenvironment = {\n\t\tpid = 7\n\t}\n", args[1], l.runs)
		if l.pid != 0 {
			text += fmt.Sprintf("\tpid = %d\n", l.pid)
		} else {
			text += fmt.Sprintf("\tlast exit code = %d: EX_CONFIG\n", l.code)
		}
		return text + "}\n", 0, nil
	}
	return "", 0, nil
}

// state writes what a gateway would.
func (l *launchd) state(s profile.GatewayState, pid int) {
	if err := profile.UpdateState(context.Background(), l.home, func(st *profile.State) error {
		st.Gateway, st.PID = s, pid
		return nil
	}); err != nil {
		l.t.Error(err)
	}
}

func newJobs(t *testing.T) (*jobs, *launchd, service.ID) {
	t.Helper()
	home := t.TempDir()
	store := profile.NewStore(home)
	id := gatewayID(t, "coder")
	n, _ := id.Profile()
	made, err := provision.Create(t.Context(), store, n, nil, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	l := &launchd{t: t, home: made.Home, begin: func(l *launchd) {
		l.pid = 41 + l.runs
		go l.state(profile.StateRunning, l.pid) // when the command waits already, or not yet
	}}
	s := jobScope{domain: "gui/501", dir: filepath.Join(t.TempDir(), "LaunchAgents")}
	m := &jobs{home: home, program: "/usr/local/bin/hermes", store: store, run: l.run, scopes: []jobScope{s}, install: s,
		gone: func(context.Context, int, time.Duration) bool { return true }}
	return m, l, id
}

func TestAJobLivesItsLife(t *testing.T) {
	m, l, id := newJobs(t)
	var unknown *service.GatewayNotRegisteredError
	if err := m.Start(t.Context(), id, time.Minute); !errors.As(err, &unknown) || m.Any() {
		t.Errorf("before it is installed: %v", err)
	}
	if err := m.Register(t.Context(), service.Spec{ID: id}); err != nil || !m.Installed(id) || l.told != nil {
		t.Fatalf("%v, told %q", err, l.told)
	}
	for _, err := range []error{
		m.Start(t.Context(), id, time.Minute), m.Restart(t.Context(), id, time.Minute), m.Stop(t.Context(), id, time.Minute),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	target, path := "gui/501/hermes.gateway-coder", m.Path(id)
	load := []string{"enable " + target, "bootstrap gui/501 " + path}
	unload := []string{"disable " + target, "bootout " + target}
	if want := slices.Concat(load, unload, load, unload); !slices.Equal(l.told, want) {
		t.Errorf("told\n%q\nwant\n%q", l.told, want)
	}
	if st, err := m.Status(t.Context(), id); err != nil || st.Up || st.WantUp || st.Ready {
		t.Errorf("after its stop: %+v, %v", st, err)
	}
	if err := m.Unregister(t.Context(), id); err != nil || m.Installed(id) {
		t.Error(err)
	}
	if err := m.Unregister(t.Context(), id); !errors.As(err, &unknown) {
		t.Errorf("a second time: %v", err)
	}
}

func TestAJobThatCannotServeSaysWhy(t *testing.T) {
	m, l, id := newJobs(t)
	if err := m.Register(t.Context(), service.Spec{ID: id}); err != nil {
		t.Fatal(err)
	}
	l.begin = func(l *launchd) { // as hostExit reports a wrong configuration
		l.pid, l.code = 0, 0
		l.state(profile.StateStartupFailed, 0)
	}
	var e *service.NotReadyError
	if err := m.Start(t.Context(), id, time.Minute); !errors.As(err, &e) || !e.Ended || !e.GaveUp {
		t.Errorf("a wrong configuration: %v", err)
	}
	l.begin = func(l *launchd) { l.pid = 9 }
	if err := m.Start(t.Context(), id, 50*time.Millisecond); !errors.As(err, &e) || e.Ended {
		t.Errorf("one that is slow: %v", err)
	}
	if st, err := m.Status(t.Context(), id); err != nil || !st.Up || st.Ready || !st.WantUp {
		t.Errorf("%+v, %v", st, err)
	}
	m.gone = func(context.Context, int, time.Duration) bool { return false }
	var down *service.NotDownError
	if err := m.Stop(t.Context(), id, time.Millisecond); !errors.As(err, &down) || down.PID != 9 {
		t.Errorf("one that does not end: %v", err)
	}
}

func TestAJobOfAnotherHomeIsLeftAlone(t *testing.T) {
	m, _, id := newJobs(t)
	if err := m.Register(t.Context(), service.Spec{ID: id}); err != nil {
		t.Fatal(err)
	}
	other := *m
	other.home = t.TempDir()
	var foreign *ForeignError
	if err := other.Register(t.Context(), service.Spec{ID: id}); !errors.As(err, &foreign) || foreign.Home != m.home || other.Any() {
		t.Errorf("another home's: %v", err)
	}
	if err := os.WriteFile(m.Path(id), []byte("<plist/>"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := m.Register(t.Context(), service.Spec{ID: id}); !errors.As(err, &foreign) || foreign.Home != "" {
		t.Errorf("one that we did not make: %v", err)
	}
}
