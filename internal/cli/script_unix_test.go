//go:build unix

package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hermes/internal/cli"
	"hermes/internal/container"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "hermes" { // testscript runs this binary under the name hermes for the commands of a story
		if code, ran := inOwnNetwork(); ran {
			os.Exit(code)
		}
	}
	testscript.Main(m, map[string]func(){
		"hermes": func() {
			os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
	})
}

// TestStories runs testdata/script. Each story has a HERMES_HOME of its own, a scan directory that nobody
// supervises, and in the variable PORT a port that nobody listens on. The stories have the commands of testscript, and:
//
//	code N COMMAND...     runs a command, which must end with exit code N
//	ready NAME COMMAND... starts a command with --ready-fd and goes on when it says that it is ready
//	end NAME SIGNAL N    sends the signal; the command must end with exit code N; its output is in the file NAME.log
//	foreign DIR [bare]   makes a home as hermes-agent leaves it, with PORT as its port; with bare, without the API's variables
//	former FILE NAME     replaces the database FILE with one of an earlier version, which is called NAME
//	say PROFILE SESSION TEXT sends a message to the gateway on $PORT, which must answer
//	aged PROFILE SESSION N   makes the session look as if nobody had written to it for N days
//
// The condition [host] says that the tests run in no container, and [systemd] that systemd runs here.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup:               setup,
		Condition: func(cond string) (bool, error) {
			if cond == "host" {
				return !container.InContainer(), nil
			}
			if cond == "systemd" {
				_, err := os.Lstat("/run/systemd/system")
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": code, "ready": ready, "end": end,
			"foreign": foreign, "former": former, "say": say, "aged": aged},
	})
}

// setup gives a story its own home, port and environment.
func setup(env *testscript.Env) error {
	port, err := freePort()
	home := filepath.Join(env.WorkDir, "hermes-home")
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("HERMES_HOME", home)
	env.Setenv("XDG_RUNTIME_DIR", env.WorkDir) // systemd is not reached through this directory
	env.Setenv("HERMES_S6_SCANDIR", filepath.Join(env.WorkDir, "no-scandir"))
	env.Setenv("HERMES_DASHBOARD", "0")       // all stories would want the same port for it
	env.Setenv("GORACE", "atexit_sleep_ms=0") // else each command of the race detector sleeps for a second before it ends
	env.Setenv("PORT", strconv.Itoa(port))
	env.Setenv("API_SERVER_PORT", strconv.Itoa(port))
	for _, name := range []string{"HERMES_GATEWAY_NO_SUPERVISE", "HERMES_S6_SUPERVISED_CHILD", "API_SERVER_KEY", "API_SERVER_HOST",
		"HERMES_DASHBOARD_HOST", "KUBERNETES_SERVICE_HOST"} {
		env.Setenv(name, "")
	}
	return errors.Join(err, os.Mkdir(home, 0o700))
}

func freePort() (int, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// code runs a command, waits for its end, and compares its exit code.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	got := 0
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// deadline is how long a test waits for a gateway. It is far more than a gateway takes, also with the race detector on a busy machine.
const deadline = 30 * time.Second

type running struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan struct{}
}

// byName holds the commands that a story started, by the names that it gave them.
type byName struct {
	ts   *testscript.TestScript
	name string
}

var started sync.Map // byName: *running

func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: ready NAME COMMAND...")
	}
	r, w, err := os.Pipe()
	ts.Check(err)
	defer r.Close()
	p := &running{ended: make(chan struct{})}
	path := filepath.Join(filepath.SplitList(ts.Getenv("PATH"))[0], args[1]) // testscript puts its commands there
	p.cmd = exec.CommandContext(context.Background(), path, append(args[2:], "--ready-fd", "3")...)
	p.cmd.Dir, p.cmd.ExtraFiles = ts.MkAbs("."), []*os.File{w}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	for _, name := range []string{"PATH", "HOME", "HERMES_HOME", "HERMES_S6_SCANDIR", "HERMES_DASHBOARD", "API_SERVER_PORT", "KUBERNETES_SERVICE_HOST",
		"API_SERVER_KEY_FILE", "HERMES_GATEWAY_NO_SUPERVISE"} {
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(p.cmd.Start())
	w.Close()
	started.Store(byName{ts, args[0]}, p)
	go func() {
		_ = p.cmd.Wait() // end checks its exit code
		close(p.ended)
	}()
	ts.Defer(func() {
		_ = p.cmd.Process.Kill() // most commands have ended by now
		<-p.ended
	})
	ts.Check(r.SetReadDeadline(time.Now().Add(deadline)))
	line := make([]byte, 1)
	if _, err := r.Read(line); err != nil || line[0] != '\n' {
		_ = p.cmd.Process.Kill()
		<-p.ended
		ts.Fatalf("%s does not become ready: %v\n%s", args[0], err, p.output.String())
	}
}

func end(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: end NAME SIGNAL N")
	}
	v, ok := started.Load(byName{ts, args[0]})
	if !ok {
		ts.Fatalf("%s was not started", args[0])
	}
	p := v.(*running)
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}
	ts.Check(p.cmd.Process.Signal(signals[args[1]]))
	select {
	case <-p.ended:
	case <-time.After(deadline):
		ts.Fatalf("%s does not end", args[0])
	}
	ts.Logf("%s said:\n%s", args[0], p.output.String())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".log"), p.output.Bytes(), 0o644))
	got := p.cmd.ProcessState.ExitCode()
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		got = -int(ws.Signal())
	}
	if strconv.Itoa(got) != args[2] {
		ts.Fatalf("exit code %d, want %s", got, args[2])
	}
}
