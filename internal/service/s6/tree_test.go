//go:build linux

package s6_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hermes/internal/logs"
	"hermes/internal/service"
	"hermes/internal/service/s6"
	"hermes/internal/service/servicetest"
	"hermes/internal/volume"
)

// kill kills s6-svscan with SIGKILL.
func (tr *tree) kill() {
	tr.cmd.Process.Kill()
	<-tr.ended
}

func up(st service.Status) string {
	if !st.Up || !st.Ready {
		return fmt.Sprintf("%+v", st)
	}
	return ""
}

func TestKilledTreeLeavesGatewaysAloneAndTheNextFindsThem(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	r := tr.rig()
	id := r.Register(t, "coder", servicetest.Ready)
	pid := r.Start(t, id).PID
	tr.kill()
	if k := s6.Detect(tr.scandir); k != service.KindNone {
		t.Errorf("a dead tree is detected as %s", k)
	}
	// The gateway's supervisor still lives, so its status can be read and it can be stopped.
	if st, err := r.Manager.Status(t.Context(), id); err != nil || up(st) != "" || st.PID != pid {
		t.Errorf("status is %+v, %v", st, err)
	}
	tr.start(t)
	if st, err := r.Manager.Status(t.Context(), id); err != nil || up(st) != "" || st.PID != pid {
		t.Errorf("status is %+v, %v", st, err)
	}
	if err := r.Manager.Restart(t.Context(), id, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := r.Manager.Stop(t.Context(), id, time.Minute); err != nil {
		t.Fatal(err)
	}
	if n := len(r.Starts(t, id)); n != 2 {
		t.Errorf("%d starts, want 2", n)
	}
}

func TestKilledSuperviseIsReplacedAndNeverRunsTwoGateways(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	r := tr.rig()
	id := r.Register(t, "coder", servicetest.Ready)
	old := r.Start(t, id).PID
	tr.killSupervisor(t, id)
	servicetest.Eventually(t, func() string {
		st, err := r.Manager.Status(t.Context(), id)
		if err != nil || up(st) != "" || st.PID == old {
			return fmt.Sprintf("%+v, %v", st, err)
		}
		return ""
	})
	gateways := tr.processes(func(p process) bool { return p.home == tr.home && strings.Contains(p.args, "gateway run") })
	if len(gateways) != 1 {
		t.Errorf("gateways: %v", gateways)
	}
}

// TestADeafSuperviseIsNotWaitedFor: while it lives, s6-svscan starts no other supervisor, so waiting is useless.
func TestADeafSuperviseIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	r := tr.rig()
	id := r.Register(t, "coder", servicetest.Ready)
	for what, control := range map[string]string{"service": "supervise/control", "logger": "log/supervise/control"} {
		control := filepath.Join(tr.scandir, id.String(), control)
		for how, spoil := range map[string]func() error{
			"no FIFO":       func() error { return nil },
			"another FIFO":  func() error { return syscall.Mkfifo(control, 0o600) },
			"a broken link": func() error { return os.Symlink("nowhere", control) },
		} {
			if err := errors.Join(os.Rename(control, control+".away"), spoil()); err != nil {
				t.Fatal(err)
			}
			m := s6.New(tr.scandir)
			m.ReviveWithin(time.Hour)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			err := m.Stop(ctx, id, time.Minute)
			if ctx.Err() != nil {
				t.Errorf("%s of the %s: it is waited for: %v", how, what, err)
			}
			var e *service.S6CommandError
			if what == "service" && (!errors.As(err, &e) || e.ExitCode == 0) {
				t.Errorf("%s of the %s: %v", how, what, err)
			}
			if err := m.Register(ctx, service.Spec{ID: id}); err == nil || !strings.Contains(err.Error(), "lives and takes no commands") {
				t.Errorf("%s of the %s: registered: %v", how, what, err)
			}
			cancel()
			if err := os.Remove(control); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			if err := os.Rename(control+".away", control); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.Start(t, id)
}

func TestUnregisterEndsWhatADeadSuperviseLeft(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	r := tr.rig()
	id := r.Register(t, "coder", servicetest.Ready)
	r.Start(t, id)
	old := tr.supervisors(id)
	syscall.Kill(old[0].pid, syscall.SIGKILL)
	servicetest.Eventually(t, func() string {
		if s6.HasReader(filepath.Join(tr.scandir, id.String(), "supervise", "control")) {
			return "s6-supervise is still there"
		}
		return ""
	})
	if err := r.Manager.Unregister(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if left := r.Leftovers(t, id); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

func TestWithoutATreeRegisterWritesNothingAndUnregisterCleansUp(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	r := tr.rig()
	id := r.Register(t, "coder", servicetest.Ready)
	r.Start(t, id)
	tr.kill()
	other := tr.rig()
	n := service.Dashboard()
	err := other.Manager.Register(t.Context(), service.Spec{ID: n})
	var e *service.S6CommandError
	if !errors.As(err, &e) || e.Command != "s6-svscanctl" || e.Action != "register" || e.ExitCode != 100 {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Lstat(filepath.Join(tr.scandir, n.String())); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the slot was written: %v", err)
	}
	if err := r.Manager.Unregister(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if left := r.Leftovers(t, id); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

func TestLogGoesToTheFileAndToTheContainer(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	r := tr.rig()
	id := r.Register(t, "coder", servicetest.Ready)
	begun := time.Now()
	line := fmt.Sprintf("started %d\n", r.Start(t, id).PID)
	servicetest.Eventually(t, func() string {
		file, err := os.ReadFile(filepath.Join(tr.home, "logs", "gateways", "coder", "current"))
		container, err2 := os.ReadFile(tr.log.Name())
		if err != nil || err2 != nil || !strings.HasSuffix(string(file), " "+line) || !strings.Contains(string(container), "[coder] "+line) {
			return fmt.Sprintf("file %q (%v), container %q (%v)", file, err, container, err2)
		}
		return ""
	})
	// The time that is read back must be right in whatever zone it is read.
	lines, err := logs.Last(volume.At(filepath.Join(tr.home, "logs", "gateways", "coder")), 1, time.FixedZone("", -5*60*60))
	if err != nil || len(lines) != 1 || lines[0].Text+"\n" != line || lines[0].Time.Before(begun.Add(-time.Second)) || lines[0].Time.After(time.Now().Add(time.Second)) {
		t.Errorf("between %s and %s: %+v, %v", begun.UTC(), time.Now().UTC(), lines, err)
	}
}

// TestALoggerWaitsForTheOneThatWasLeftBehind: when a logger's supervisor is killed with SIGKILL, its logger goes on and keeps the
// directory's lock. The next logger waits, says so once, and takes over when the first one ends.
func TestALoggerWaitsForTheOneThatWasLeftBehind(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	r := tr.rig()
	id := r.Register(t, "coder", servicetest.Ready)
	r.Start(t, id)
	in := filepath.Join(tr.scandir, id.String(), "log")
	named := func(name string) []process {
		return tr.processes(func(p process) bool { return p.name == name && p.cwd == in })
	}
	one := func(name string, besides ...process) (found process) {
		t.Helper()
		servicetest.Eventually(t, func() string {
			all := named(name)
			if len(all) != 1 || slices.ContainsFunc(besides, func(p process) bool { return p.pid == all[0].pid }) {
				return fmt.Sprintf("%s: %v", name, all)
			}
			found = all[0]
			return ""
		})
		return found
	}
	said := func(what string) int {
		text, err := os.ReadFile(tr.log.Name())
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), what)
	}

	left := one("s6-log")
	supervisor := one("s6-supervise")
	var waits process
	for range 2 {
		syscall.Kill(supervisor.pid, syscall.SIGKILL)
		supervisor = one("s6-supervise", supervisor)
		waits = one("s6-setlock", waits)
	}
	one("s6-setlock", waits) // it must go on waiting
	if n := said("waiting for"); n != 1 {
		t.Errorf("it said %d times that it waits", n)
	}
	if all := named("s6-log"); len(all) != 1 || all[0].pid != left.pid {
		t.Errorf("loggers: %v, and %v before", all, left)
	}

	syscall.Kill(left.pid, syscall.SIGKILL)
	one("s6-log", left)
	if err := r.Manager.Restart(t.Context(), id, time.Minute); err != nil {
		t.Fatal(err)
	}
	pid := r.Want(t, id, service.Status{Up: true, Ready: true, WantUp: true}).PID
	servicetest.Eventually(t, func() string {
		current, err := os.ReadFile(filepath.Join(tr.home, "logs", "gateways", "coder", "current"))
		if line := fmt.Sprintf("started %d\n", pid); err != nil || !strings.Contains(string(current), line) {
			return fmt.Sprintf("%s, %v", current, err)
		}
		return ""
	})
	if n := said("fatal"); n > 0 {
		t.Errorf("%d complaints", n)
	}
}

func TestWithoutAVerdictThereIsABackoff(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	r := tr.rig()
	if err := os.WriteFile(filepath.Join(tr.home, "backoff.json"), []byte("no json"), 0o644); err != nil { // this makes finish exit 1
		t.Fatal(err)
	}
	id := r.Register(t, "coder", servicetest.Exit.With(1))
	if err := r.Manager.Start(t.Context(), id, time.Minute); err == nil {
		t.Error("ready")
	}
	r.Await(t, id, service.Status{Up: true, WantUp: true, Backoff: true})
	if n := len(r.Starts(t, id)); n != 1 {
		t.Errorf("%d starts, want 1", n)
	}
}
