package servicetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
)

// Harness makes rigs for one kind of manager.
type Harness struct {
	// New starts a supervisor for the test, without services. The supervisor finds the program (see Main) as hermes in its PATH.
	New func(t *testing.T) Rig
}

// Rig is a manager with a real supervisor.
type Rig struct {
	Manager service.Manager
	// Home is the HERMES_HOME of the supervised programs.
	Home string
	// RestartSupervisor kills the supervisor and returns when another one is in charge.
	RestartSupervisor func(t *testing.T)
	// SetBackoff sets the length of the first pause, and the number of failures after which the supervisor gives up.
	SetBackoff func(t *testing.T, pause time.Duration, limit int)
	// Refused checks the error of a command on a service that Break broke; nil checks for the errors of s6.
	Refused func(t *testing.T, action string, err error)
	// Break makes every command on a service fail, and returns a function that makes the commands work again.
	Break func(t *testing.T, id service.ID) (mend func())
	// Leftovers returns what exists of a service, files and processes, except its log.
	Leftovers func(t *testing.T, id service.ID) []string
	// Tries is how many starts in a row come before the first pause; 0 means two.
	Tries int
	// ForgetsStops is true for a manager that does not know how a service that it stopped has ended.
	ForgetsStops bool
	// ForgetsFailures is true for a manager that does not know how a service failed once the service runs again.
	ForgetsFailures bool
	// Tells is true for a manager that writes into a service's log what follows a failure.
	Tells bool
	// Helpers returns the names of processes that commands of the manager started and that still run.
	Helpers func(t *testing.T) []string
}

// Behaviour is a word for what the program does. A program can have several.
type Behaviour string

// The behaviours. Exit and TermCode need a number: "exit=78".
const (
	Ready      Behaviour = "ready"
	NeverReady Behaviour = "never-ready"
	Exit       Behaviour = "exit"
	IgnoreTerm Behaviour = "ignore-term"
	TermCode   Behaviour = "term-code"   // the exit code after SIGTERM, if it is not 143
	LeaveChild Behaviour = "leave-child" // start a process that keeps the log open and outlives its parent
)

// With adds the number that a behaviour needs.
func (b Behaviour) With(n int) Behaviour { return Behaviour(fmt.Sprintf("%s=%d", b, n)) }

// deadline is how long a test waits for something that must happen, even on a slow machine.
const deadline = time.Minute

func gateway(t *testing.T, name string) service.ID {
	t.Helper()
	n, err := profile.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	return service.Gateway(n)
}

func (r Rig) dir(id service.ID) string {
	name := id.String()
	if n, ok := id.Profile(); ok {
		name = n.String()
	}
	return filepath.Join(r.Home, "program", name)
}

// Behave sets what the program does from its next start on.
func (r Rig) Behave(t *testing.T, id service.ID, how ...Behaviour) {
	t.Helper()
	words := make([]string, len(how))
	for i, b := range how {
		words[i] = string(b)
	}
	if err := os.MkdirAll(r.dir(id), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir(id), "behaviour"), []byte(strings.Join(words, " ")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Starts returns the pids of all runs of the program so far.
func (r Rig) Starts(t *testing.T, id service.ID) []int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir(id), "starts"))
	if err != nil {
		return nil
	}
	var pids []int
	for _, f := range strings.Fields(string(data)) {
		pid, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// Register registers a service with a behaviour. The service is down.
func (r Rig) Register(t *testing.T, name string, how ...Behaviour) service.ID {
	t.Helper()
	id := gateway(t, name)
	r.Behave(t, id, how...)
	if err := r.Manager.Register(t.Context(), service.Spec{ID: id, KillAfter: deadline}); err != nil {
		t.Fatal(err)
	}
	return id
}

// Start starts a service, which must become ready, and returns its status.
func (r Rig) Start(t *testing.T, id service.ID) service.Status {
	t.Helper()
	if err := r.Manager.Start(t.Context(), id, deadline); err != nil {
		t.Fatal(err)
	}
	return r.Want(t, id, service.Status{Up: true, Ready: true, WantUp: true})
}

// Want checks the fields Up, Ready, WantUp and Backoff of a service's status.
func (r Rig) Want(t *testing.T, id service.ID, want service.Status) service.Status {
	t.Helper()
	got, err := r.Manager.Status(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if !same(got, want) {
		t.Fatalf("%s is %+v, want %+v", id, got, want)
	}
	return got
}

// Told waits until a manager that Tells has written a line with these words into a service's log.
func (r Rig) Told(t *testing.T, id service.ID, words string) {
	t.Helper()
	if !r.Tells {
		return
	}
	Eventually(t, func() string {
		text, err := os.ReadFile(filepath.Join(r.Home, filepath.FromSlash(service.LogDir(id)), "current"))
		if err != nil || !strings.Contains(string(text), words) {
			return fmt.Sprintf("the log does not say %q: %v\n%s", words, err, text)
		}
		return ""
	})
}

// Deaths checks how often a service was restarted and how it failed last; "" means that it has not failed.
func (r Rig) Deaths(t *testing.T, id service.ID, restarts int, how string) {
	t.Helper()
	st, err := r.Manager.Status(t.Context(), id)
	if err == nil {
		st, err = service.WithDeaths(t.Context(), r.Manager, st)
	}
	if err != nil {
		t.Fatal(err)
	}
	list, err := r.Manager.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, st := range map[string]service.Status{"status": st, "list": list[slices.IndexFunc(list, func(st service.Status) bool { return st.ID == id })]} {
		if name == "list" && st.Restarts < 0 && how == "" { // a list may leave out what would take more work
			continue
		}
		if st.Restarts != restarts {
			t.Errorf("%s: %d restarts, want %d: %+v", name, st.Restarts, restarts, st)
		}
		if r.ForgetsFailures && st.Up {
			continue
		}
		if how == "" && !st.LastFailure.IsZero() || how != "" && st.LastFailure.How() != how {
			t.Errorf("%s: the last failure is %q, want %q", name, st.LastFailure, how)
		}
		if age := time.Since(st.LastFailure.Time); how != "" && (age < -2*time.Second || age > deadline) {
			t.Errorf("%s: the last failure was %s ago", name, age)
		}
	}
}

func same(got, want service.Status) bool {
	if want.Backoff { // during a pause some managers have a process and some have none
		return got.Backoff && got.WantUp && !got.Ready
	}
	return got.Up == want.Up && got.Ready == want.Ready && got.WantUp == want.WantUp && got.Backoff == want.Backoff &&
		(got.PID != 0) == got.Up
}

// Await waits until a service's status is as in want.
func (r Rig) Await(t *testing.T, id service.ID, want service.Status) service.Status {
	t.Helper()
	var got service.Status
	Eventually(t, func() string {
		var err error
		if got, err = r.Manager.Status(context.Background(), id); err != nil {
			return err.Error()
		}
		if !same(got, want) {
			return fmt.Sprintf("%s is %+v, want %+v", id, got, want)
		}
		return ""
	})
	return got
}

// Eventually waits until wrong returns "". If it never does, the test fails with the last text.
func Eventually(t *testing.T, wrong func() string) {
	t.Helper()
	until := time.Now().Add(deadline)
	for {
		text := wrong()
		if text == "" {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("after %s: %s", deadline, text)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Never fails the test if wrong returns a text within the window.
func Never(t *testing.T, window time.Duration, wrong func() string) {
	t.Helper()
	for until := time.Now().Add(window); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if text := wrong(); text != "" {
			t.Fatal(text)
		}
	}
}
