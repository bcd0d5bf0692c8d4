package windows

import (
	"context"
	"errors"
	"fmt"
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

// fakeSCM does what the service control manager does with one service. A service that is told to stop is stopping until its process
// has ended, and until then a start is refused as if the service ran.
type fakeSCM struct {
	t      *testing.T
	home   profile.Home
	told   []string
	def    *hosted.Definition
	boot   bool
	denied bool
	deaf   bool // it ends only when it is killed
	state  scmState
	runs   int
	begin  func(c *fakeSCM) // what happens when the service starts
}

func (c *fakeSCM) Names(prefix string) ([]string, error) {
	if c.def == nil {
		return nil, nil
	}
	return []string{serviceName(c.def.ID), prefix + "of-somebody-else"}, nil
}

func (c *fakeSCM) Home(name string) (string, bool) {
	if c.def == nil || name != serviceName(c.def.ID) {
		return "", false
	}
	return c.def.Home, true
}

func (c *fakeSCM) tell(what, name string) error {
	c.told = append(c.told, what)
	switch {
	case c.denied:
		return errDenied
	case c.def == nil || name != serviceName(c.def.ID):
		return errNoService
	}
	return nil
}

func (c *fakeSCM) Define(name string, d hosted.Definition, known bool) error {
	if known != (c.def != nil) {
		c.t.Errorf("%s is defined as known: %t", name, known)
	}
	if c.denied {
		return errDenied
	}
	c.def = &d
	return nil
}

func (c *fakeSCM) Delete(name string) error {
	if err := c.tell("delete", name); err != nil {
		return err
	}
	c.def = nil
	return nil
}

func (c *fakeSCM) StartAtBoot(name string, boot bool) error {
	if err := c.tell(fmt.Sprintf("boot %t", boot), name); err != nil {
		return err
	}
	c.boot = boot
	return nil
}

func (c *fakeSCM) Start(name string) error {
	if err := c.tell("start", name); err != nil {
		return err
	}
	if c.state.phase != scmStopped {
		return errRunning
	}
	c.runs++
	c.begin(c)
	return nil
}

func (c *fakeSCM) Stop(name string) error {
	if err := c.tell("stop", name); err != nil {
		return err
	}
	switch {
	case c.state.phase == scmStopped:
		return errNotActive
	case c.deaf:
		c.state.phase = scmStopping
	default:
		c.state = scmState{}
	}
	return nil
}

func (c *fakeSCM) Query(name string) (scmState, error) {
	if c.def == nil || name != serviceName(c.def.ID) {
		return scmState{}, errNoService
	}
	return c.state, nil
}

func (c *fakeSCM) Process(pid int) (scmProcess, error) {
	if pid == 0 || pid != c.state.pid {
		return nil, errors.New("no such process")
	}
	return fakeProcess{c, pid}, nil
}

type fakeProcess struct {
	c   *fakeSCM
	pid int
}

func (p fakeProcess) Gone(context.Context, time.Duration) bool { return p.c.state.pid != p.pid }
func (p fakeProcess) Close()                                   {}
func (p fakeProcess) Kill() error {
	p.c.told = append(p.c.told, "kill")
	p.c.state = scmState{exitCode: 1}
	return nil
}

func gatewayID(t *testing.T, name string) service.ID {
	t.Helper()
	n, err := profile.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	return service.Gateway(n)
}

func newFake(t *testing.T) (*Manager, *fakeSCM, service.ID) {
	t.Helper()
	home := t.TempDir()
	id := gatewayID(t, "coder")
	n, _ := id.Profile()
	made, err := provision.Create(t.Context(), profile.NewStore(home), n, nil, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	var wrote sync.WaitGroup
	t.Cleanup(wrote.Wait)
	c := &fakeSCM{t: t, home: made.Home, state: scmState{exitCode: -1}}
	c.begin = func(c *fakeSCM) {
		wrote.Wait() // a process that has ended writes no more
		pid := 41 + c.runs
		c.state = scmState{phase: scmRunning, pid: pid}
		wrote.Go(func() { c.writes(profile.StateRunning, pid) }) // before or after the command begins to wait
	}
	return newManager(hosted.Options{Home: home, Program: "/usr/local/bin/hermes"}, c), c, id
}

// writes writes the state file as a gateway does.
func (c *fakeSCM) writes(s profile.GatewayState, pid int) {
	if err := profile.UpdateState(context.Background(), c.home, func(st *profile.State) error {
		st.Gateway, st.PID, st.StartTime = s, pid, time.Now().Unix()
		return nil
	}); err != nil {
		c.t.Error(err)
	}
}

// started returns a service that is installed and runs.
func started(t *testing.T) (*Manager, *fakeSCM, service.ID) {
	t.Helper()
	m, c, id := newFake(t)
	if err := errors.Join(m.Register(t.Context(), service.Spec{ID: id}), m.Start(t.Context(), id, time.Minute)); err != nil {
		t.Fatal(err)
	}
	c.told = nil
	return m, c, id
}

func TestAWindowsServiceLivesItsLife(t *testing.T) {
	m, c, id := newFake(t)
	var unknown *service.GatewayNotRegisteredError
	if err := m.Start(t.Context(), id, time.Minute); !errors.As(err, &unknown) || m.Any() {
		t.Errorf("before it is installed: %v", err)
	}
	if err := m.Register(t.Context(), service.Spec{ID: id}); err != nil || !m.Installed(id) || !m.Any() || c.told != nil {
		t.Fatalf("%v, told %q", err, c.told)
	}
	if st, err := m.Status(t.Context(), id); err != nil || st.Up || st.WantUp || st.ExitCode != -1 {
		t.Errorf("before its first start: %+v, %v", st, err)
	}
	for _, err := range []error{
		m.Start(t.Context(), id, time.Minute), m.Restart(t.Context(), id, time.Minute), m.Stop(t.Context(), id, time.Minute),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"boot true", "start", "boot true", "stop", "boot true", "start", "boot false", "stop"}
	if !slices.Equal(c.told, want) {
		t.Errorf("told\n%q\nwant\n%q", c.told, want)
	}
	if all, err := m.List(t.Context()); err != nil || len(all) != 1 || all[0].Up || all[0].WantUp || all[0].Ready {
		t.Errorf("after its stop: %+v, %v", all, err)
	}
	if err := m.Unregister(t.Context(), id); err != nil || m.Installed(id) {
		t.Error(err)
	}
	if err := m.Unregister(t.Context(), id); !errors.As(err, &unknown) {
		t.Errorf("a second time: %v", err)
	}
}

func TestARestartNeverLeavesAWindowsServiceDown(t *testing.T) {
	for name, tt := range map[string]struct {
		deaf bool
		wait time.Duration
	}{
		"without a wait":                   {false, 0},
		"one that does not end":            {true, time.Minute},
		"a drain longer than a wait":       {true, time.Second},
		"a drain, and nobody waits for it": {true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m, c, id := started(t)
			c.deaf = tt.deaf
			if err := m.Restart(t.Context(), id, tt.wait); err != nil {
				t.Errorf("the restart: %v", err)
			}
			if st, err := m.Status(t.Context(), id); err != nil || !st.WantUp || st.PID != 43 || !c.boot {
				t.Errorf("then: %+v, %v, starts at boot: %t; told %q", st, err, c.boot, c.told)
			}
			if killed := slices.Contains(c.told, "kill"); killed != tt.deaf {
				t.Errorf("told %q", c.told)
			}
		})
	}
}

func TestAServiceThatIsEndingIsStartedWhenItHasEnded(t *testing.T) {
	m, c, id := started(t)
	c.deaf = true
	if err := m.Stop(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	var down *service.NotDownError
	if err := m.Start(t.Context(), id, time.Minute); !errors.As(err, &down) || down.PID != 42 {
		t.Errorf("one that does not end: %v", err)
	}
	c.state = scmState{exitCode: 0}
	if err := m.Start(t.Context(), id, time.Minute); err != nil || c.state.pid != 43 {
		t.Errorf("%v, told %q", err, c.told)
	}
}

func TestAWindowsServiceThatCannotServeSaysWhy(t *testing.T) {
	m, c, id := newFake(t)
	if err := m.Register(t.Context(), service.Spec{ID: id}); err != nil {
		t.Fatal(err)
	}
	c.begin = func(c *fakeSCM) {
		c.state = scmState{exitCode: 3}
		c.writes(profile.StateStartupFailed, 0)
	}
	var e *service.NotReadyError
	if err := m.Start(t.Context(), id, time.Minute); !errors.As(err, &e) || !e.Ended || !e.GaveUp || e.ExitCode != 3 {
		t.Errorf("a wrong configuration: %v", err)
	}
	c.begin = func(c *fakeSCM) { c.state = scmState{phase: scmStarting, pid: 9} }
	if err := m.Start(t.Context(), id, 50*time.Millisecond); !errors.As(err, &e) || e.Ended {
		t.Errorf("one that is slow: %v", err)
	}
	if st, err := m.Status(t.Context(), id); err != nil || !st.Up || st.Ready || !st.WantUp || st.ExitCode != -1 {
		t.Errorf("%+v, %v", st, err)
	}
	c.deaf = true
	var down *service.NotDownError
	if err := m.Stop(t.Context(), id, time.Millisecond); !errors.As(err, &down) || down.PID != 9 || c.boot {
		t.Errorf("one that does not end: %v", err)
	}
}

func TestAWindowsServiceOfAnotherHomeIsLeftAlone(t *testing.T) {
	m, c, id := started(t)
	other := newManager(hosted.Options{Home: t.TempDir(), Program: m.program}, c)
	var foreign *hosted.ForeignError
	var unknown *service.GatewayNotRegisteredError
	if err := other.Register(t.Context(), service.Spec{ID: id}); !errors.As(err, &foreign) || foreign.Home != m.home || other.Any() {
		t.Errorf("another home's: %v", err)
	}
	for what, err := range map[string]error{
		"stop": other.Stop(t.Context(), id, time.Minute), "restart": other.Restart(t.Context(), id, time.Minute), "uninstall": other.Unregister(t.Context(), id),
	} {
		if !errors.As(err, &unknown) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(c.told) > 0 {
		t.Errorf("told %q", c.told)
	}
}

func TestWhoIsNoAdministratorIsTold(t *testing.T) {
	m, c, id := started(t)
	c.denied = true
	for what, err := range map[string]error{
		"install": m.Register(t.Context(), service.Spec{ID: id}), "start": m.Start(t.Context(), id, 0), "stop": m.Stop(t.Context(), id, 0),
		"restart": m.Restart(t.Context(), id, 0),
	} {
		var e *service.CommandError
		if !errors.As(err, &e) || e.Action != what || !strings.Contains(err.Error(), "administrator") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
