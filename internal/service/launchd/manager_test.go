package launchd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
	"hermes/internal/service/hosted"
)

// launchd does what launchctl(1) and launchd.plist(5) say about a job with RunAtLoad, with KeepAlive unless it ended with 0, and
// with ExitTimeOut. It refuses the same things as macOS, with the same codes: a disabled job cannot be loaded, a loaded job cannot
// be loaded again, and a job whose process is still ending counts as loaded.
type launchd struct {
	t        *testing.T
	home     profile.Home
	told     []string
	disabled bool
	loaded   bool
	leaving  bool // it will be unloaded when its process has ended
	deaf     bool // its process ends only on SIGKILL
	pid      int
	runs     int
	code     int
	begin    func(l *launchd) // what happens when the job starts
}

func (l *launchd) run(_ context.Context, args ...string) (string, int, error) {
	if args[0] != "print" {
		l.told = append(l.told, strings.Join(args, " "))
	}
	switch args[0] {
	case "enable", "disable":
		l.disabled = args[0] == "disable"
	case "bootstrap":
		switch {
		case l.disabled:
			return "Bootstrap failed: 119: Service is disabled", 119, nil
		case l.loaded:
			return "Bootstrap failed: 5: Input/output error", 5, nil
		}
		l.loaded, l.leaving = true, false
		l.start()
	case "kickstart":
		switch {
		case !l.loaded:
			return "Could not find service", noSuchJob, nil
		case l.leaving:
			return "Could not kickstart service: 37: Operation already in progress", 37, nil
		case l.pid == 0:
			l.start()
		}
	case "kill":
		switch {
		case !l.loaded:
			return "Could not find service", noSuchJob, nil
		case l.pid == 0:
			return "No process to signal.", 3, nil
		case args[1] == "SIGKILL":
			l.end(-1)
		case !l.deaf:
			l.end(143)
		}
	case "bootout":
		if !l.loaded {
			return "Boot-out failed: 3: No such process", 3, nil
		}
		l.leaving = true
		if l.pid != 0 && l.deaf {
			return "Boot-out failed: 36: Operation now in progress", 36, nil
		}
		l.end(143)
	case "print":
		if !l.loaded {
			return "Could not find service", noSuchJob, nil
		}
		text := fmt.Sprintf("%s = {\n\tactive count = 1\n\tstate = %s\n\truns = %d\n\tenvironment = {\n\t\tpid = 7\n\t}\n", args[1], l.state(), l.runs)
		if l.pid != 0 {
			text += fmt.Sprintf("\tpid = %d\n", l.pid)
		} else {
			text += fmt.Sprintf("\tlast exit code = %d: EX_CONFIG\n", l.code)
		}
		return text + "}\n", 0, nil
	default:
		l.t.Errorf("launchctl %q", args)
	}
	return "", 0, nil
}

func (l *launchd) state() string {
	switch {
	case l.pid != 0 && l.leaving:
		return "SIGTERMed"
	case l.pid != 0:
		return "running"
	}
	return "not running"
}

func (l *launchd) start() {
	l.runs++
	l.begin(l)
}

// end ends the process, if there is one. Unless the job is being unloaded, or its process ended with 0, the job starts again.
func (l *launchd) end(code int) {
	ran := l.pid != 0
	l.pid, l.code = 0, code
	switch {
	case l.leaving:
		l.loaded, l.leaving = false, false
	case ran && code != 0:
		l.start()
	}
}

// writes writes the state file as a gateway does.
func (l *launchd) writes(s profile.GatewayState, pid int) {
	if err := profile.UpdateState(context.Background(), l.home, func(st *profile.State) error {
		st.Gateway, st.PID, st.StartTime = s, pid, time.Now().Unix()
		return nil
	}); err != nil {
		l.t.Error(err)
	}
}

// age makes a file older than any process.
func age(t *testing.T, path string) {
	t.Helper()
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
}

func newJobs(t *testing.T) (*Manager, *launchd, service.ID) {
	t.Helper()
	home := t.TempDir()
	store := profile.NewStore(home)
	id := gatewayID(t, "coder")
	n, _ := id.Profile()
	made, err := provision.Create(t.Context(), store, n, nil, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	var wrote sync.WaitGroup
	t.Cleanup(wrote.Wait)
	l := &launchd{t: t, home: made.Home, begin: func(l *launchd) {
		wrote.Wait() // a process that has ended writes no more
		l.pid = 41 + l.runs
		pid := l.pid
		wrote.Go(func() { l.writes(profile.StateRunning, pid) }) // before or after the command begins to wait
	}}
	s := jobScope{domain: "gui/501", dir: filepath.Join(t.TempDir(), "LaunchAgents")}
	m := &Manager{home: home, program: "/usr/local/bin/hermes", store: store, run: l.run, scopes: []jobScope{s}, install: s,
		gone: func(_ context.Context, pid int, _ time.Duration) bool { return l.pid != pid }}
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
	age(t, m.Path(id))
	for _, err := range []error{
		m.Start(t.Context(), id, time.Minute), m.Restart(t.Context(), id, time.Minute), m.Stop(t.Context(), id, time.Minute),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	target, path := "gui/501/hermes.gateway-coder", m.Path(id)
	load := []string{"enable " + target, "bootstrap gui/501 " + path}
	again := []string{"enable " + target, "kill SIGTERM " + target, "enable " + target}
	unload := []string{"disable " + target, "bootout " + target}
	if want := slices.Concat(load, again, unload); !slices.Equal(l.told, want) {
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
	l.begin = func(l *launchd) { // as hostExit ends the process when the configuration is wrong
		l.pid, l.code = 0, 0
		l.writes(profile.StateStartupFailed, 0)
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
	l.deaf = true
	var down *service.NotDownError
	if err := m.Stop(t.Context(), id, time.Millisecond); !errors.As(err, &down) || down.PID != 9 {
		t.Errorf("one that does not end: %v", err)
	}
}

func TestARestartNeverLeavesAJobDown(t *testing.T) {
	for name, tt := range map[string]struct {
		deaf  bool
		wait  time.Duration
		check func(error) bool
	}{
		"without a wait":             {false, 0, func(err error) bool { return err == nil }},
		"without a wait, deaf":       {true, 0, func(err error) bool { return err == nil }},
		"a drain longer than a wait": {true, time.Millisecond, func(err error) bool { var e *service.NotDownError; return errors.As(err, &e) && e.PID == 42 }},
	} {
		t.Run(name, func(t *testing.T) {
			m, l, id := newJobs(t)
			if err := m.Register(t.Context(), service.Spec{ID: id}); err != nil {
				t.Fatal(err)
			}
			if err := m.Start(t.Context(), id, time.Minute); err != nil {
				t.Fatal(err)
			}
			l.deaf = tt.deaf
			if err := m.Restart(t.Context(), id, tt.wait); !tt.check(err) {
				t.Errorf("the restart: %v", err)
			}
			if tt.deaf { // the process ends now, after its drain
				l.end(143)
			}
			if st, err := m.Status(t.Context(), id); err != nil || !st.Up || !st.WantUp || st.PID == 42 || l.disabled {
				t.Errorf("then: %+v, %v, disabled %t; told %q", st, err, l.disabled, l.told)
			}
		})
	}
}

func TestAGatewayThatDoesNotEndIsKilledByARestart(t *testing.T) {
	m, l, id := newJobs(t)
	if err := m.Register(t.Context(), service.Spec{ID: id}); err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context(), id, time.Minute); err != nil {
		t.Fatal(err)
	}
	age(t, m.Path(id))
	l.deaf = true
	if err := m.Restart(t.Context(), id, 10*time.Minute); err != nil || l.pid != 43 {
		t.Errorf("%v, pid %d, told %q", err, l.pid, l.told)
	}
}

func TestARestartReadsTheFileAnew(t *testing.T) {
	m, l, id := newJobs(t)
	if err := m.Register(t.Context(), service.Spec{ID: id}); err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context(), id, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := m.Register(t.Context(), service.Spec{ID: id, KillAfter: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if err := m.Restart(t.Context(), id, time.Minute); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(l.told[3:], "bootstrap gui/501 "+m.Path(id)) {
		t.Errorf("told %q", l.told)
	}
	if st, err := m.Status(t.Context(), id); err != nil || !st.Ready {
		t.Errorf("%+v, %v", st, err)
	}
}

// TestAStartAfterAStopThatWasNotWaitedForStarts: a job that was told to end is still loaded while its process lives. It must be gone
// before it can be loaded again.
func TestAStartAfterAStopThatWasNotWaitedForStarts(t *testing.T) {
	m, l, id := newJobs(t)
	if err := m.Register(t.Context(), service.Spec{ID: id}); err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context(), id, time.Minute); err != nil {
		t.Fatal(err)
	}
	l.deaf = true
	if err := m.Stop(t.Context(), id, 0); err != nil {
		t.Errorf("a stop without a wait: %v", err)
	}
	m.gone = func(context.Context, int, time.Duration) bool {
		l.deaf = false
		l.end(143)
		return true
	}
	if err := m.Start(t.Context(), id, time.Minute); err != nil {
		t.Error(err)
	}
	if st, err := m.Status(t.Context(), id); err != nil || !st.Ready || st.PID != 43 {
		t.Errorf("%+v, %v; told %q", st, err, l.told)
	}
}

func TestAJobOfAnotherHomeIsLeftAlone(t *testing.T) {
	m, _, id := newJobs(t)
	if err := m.Register(t.Context(), service.Spec{ID: id}); err != nil {
		t.Fatal(err)
	}
	other := *m
	other.home = t.TempDir()
	var foreign *hosted.ForeignError
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
