package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hermes/internal/fleet"
	"hermes/internal/service"
	"hermes/internal/service/s6"
)

// TestLifecycleStories runs testdata/lifecycle under each supervisor, with the default profile's gateway up. The stories have the
// command code of TestStories, and
//
//	killed NAME    kills a profile's gateway and waits until another one is ready in its place
//	frozen NAME    stops a profile's gateway with SIGSTOP, so that it reacts to nothing
func TestLifecycleStories(t *testing.T) {
	for name, supervise := range map[string]func(*testscript.Env) error{"s6": superviseS6, "local": superviseLocal} {
		t.Run(name, func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir: filepath.Join("testdata", "lifecycle"), RequireExplicitExec: true,
				Setup: func(env *testscript.Env) error { return errors.Join(setup(env), supervise(env)) },
				Cmds:  map[string]func(*testscript.TestScript, bool, []string){"code": code, "killed": killed, "frozen": frozen},
			})
		})
	}
}

func killed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: killed NAME")
	}
	var pid int
	for until := time.Now().Add(deadline); ; time.Sleep(20 * time.Millisecond) {
		v := view(ts, args[0])
		switch {
		case pid == 0 && v.Ready:
			pid = v.PID
			ts.Check(syscall.Kill(pid, syscall.SIGKILL))
		case pid != 0 && v.PID != pid && v.Ready && !v.LastFailure.IsZero(): // the new state may be reported a moment before the death is
			return
		case time.Now().After(until):
			ts.Fatalf("no other gateway is ready: %+v", v)
		}
	}
}

func frozen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: frozen NAME")
	}
	v := view(ts, args[0])
	if !v.Ready {
		ts.Fatalf("it does not run: %+v", v)
	}
	ts.Check(freeze(v.PID))
}

// freeze stops a process with SIGSTOP, and returns when all its threads have stopped: each does when it sees the signal.
func freeze(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	for until := time.Now().Add(deadline); ; time.Sleep(time.Millisecond) {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil {
			return err
		}
		running := 0
		for _, file := range files {
			stat, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			// The name in parentheses may hold anything (proc_pid_stat(5)).
			if _, fields, _ := strings.Cut(string(stat), ") "); !strings.HasPrefix(fields, "T ") {
				running++
			}
		}
		switch {
		case running == 0:
			return nil
		case time.Now().After(until):
			return fmt.Errorf("%d of the threads of process %d run in spite of SIGSTOP", running, pid)
		}
	}
}

// view returns what `gateway status` says about a profile's gateway.
func view(ts *testscript.TestScript, name string) (v fleet.View) {
	ts.Check(ts.Exec("hermes", "-p", name, "gateway", "status", "--format", "json"))
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	return v
}

// background starts a command that is ended when the story ends. ready reads what the command writes to descriptor 3.
func background(env *testscript.Env, name string, args ...string) (ready *os.File, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Dir, cmd.Env, cmd.ExtraFiles = env.WorkDir, env.Vars, []*os.File{w}
	if cmd.Stderr, err = os.Create(filepath.Join(env.WorkDir, "supervisor.log")); err != nil {
		return nil, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	env.Defer(func() {
		r.Close()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	return r, nil
}

// installed returns the path at which testscript has put hermes.
func installed(env *testscript.Env) string {
	return filepath.Join(filepath.SplitList(env.Getenv("PATH"))[0], "hermes")
}

// superviseLocal starts `hermes up` and waits until its gateways are ready.
func superviseLocal(env *testscript.Env) error {
	r, err := background(env, installed(env), "up", "--ready-fd", "3")
	if err != nil {
		return err
	}
	if err := r.SetReadDeadline(time.Now().Add(deadline)); err != nil {
		return err
	}
	_, err = r.Read(make([]byte, 1))
	return err
}

// superviseS6 starts s6-svscan, reconciles as a boot does, and starts the default profile's gateway.
func superviseS6(env *testscript.Env) error {
	scandir := filepath.Join(env.WorkDir, "scandir")
	env.Setenv("HERMES_S6_SCANDIR", scandir)
	if err := os.Mkdir(scandir, 0o700); err != nil {
		return err
	}
	if _, err := background(env, "s6-svscan", scandir); err != nil {
		return err
	}
	for until := time.Now().Add(deadline); s6.Detect(scandir) != service.KindS6; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			return errors.New("s6-svscan does not come up")
		}
	}
	for _, args := range [][]string{{"boot", "reconcile"}, {"gateway", "start"}} {
		if args[0] == "gateway" {
			// This has s6-svscan start the slot's s6-supervise, for which `gateway start` waits.
			_ = exec.CommandContext(context.Background(), "s6-svscanctl", "-a", scandir).Run()
		}
		cmd := exec.CommandContext(context.Background(), installed(env), args...)
		cmd.Env = env.Vars
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("hermes %v: %w: %s", args, err, out)
		}
	}
	return nil
}
