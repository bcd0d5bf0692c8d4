package container_test

import (
	"fmt"
	"strings"
	"testing"

	"hermes/test/container/docker"
)

func TestExitCodeOfTheCommand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cmd  []string
		want int
	}{
		{"sh exits 42", []string{"sh", "-c", "exit 42"}, 42},
		{"true", []string{"true"}, 0},
		{"false", []string{"false"}, 1},
		{"the highest code", []string{"sh", "-c", "exit 255"}, 255},
		{"killed by SIGTERM", []string{"sh", "-c", "kill -TERM $$"}, 143},
		{"killed by SIGKILL", []string{"sh", "-c", "kill -KILL $$"}, 137},
		{"killed by SIGSEGV", []string{"sh", "-c", "kill -SEGV $$"}, 139},
		{"wrong usage of hermes", []string{"no-such-command"}, 2},
		{"a path that is not there", []string{"/no/such/file"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			if r := run(t, options{}, c.cmd...); r.Code != c.want {
				t.Errorf("want code %d, got: %s", c.want, r)
			}
		})
	}
}

// TestExitCodeAfterDockerStopIsTheCommands: the exit code 0 after docker stop is only for the redirect.
func TestExitCodeAfterDockerStopIsTheCommands(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cmd  []string
		want int
	}{
		{"a command without a handler", []string{"sleep", "infinity"}, 143},
		{"a command with a handler", []string{"bash", "-c", `trap 'echo bye; exit 7' TERM; echo waits; while :; do sleep 1 & wait $!; done`}, 7},
		// This sleep has another argument than the heartbeat of the redirect, and must not be mistaken for it.
		{"sleep in another shape", []string{"sleep", "1000000"}, 143},
	} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			b := start(t, options{}, c.cmd...)
			eventually(t, soon, "the command runs", func() error {
				if len(only(b.ps(), func(p process) bool {
					return strings.Contains(strings.Join(p.Cmdline, " "), "sleep") && p.UID == runtimeUID
				})) == 0 {
					return fmt.Errorf("not yet")
				}
				return nil
			})
			b.stop()
			if code := b.wait(); code != c.want {
				t.Errorf("exit code %d, want the command's, %d", code, c.want)
			}
		})
	}
}

func TestCommandRouting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cmd  []string
		want string // must be in stdout
	}{
		{"no arguments run hermes", nil, "gateway"},
		{"a subcommand goes to hermes", []string{"version"}, "hermes"},
		{"flags go to hermes", []string{"-p", "default", "version"}, "hermes"},
		{"help goes to hermes", []string{"--help"}, "gateway"},
		{"a program on PATH is run", []string{"echo", "a  b", "c"}, "a  b c\n"},
		{"bash -c", []string{"bash", "-c", "echo $((6*7))"}, "42\n"},
		{"sleep 0", []string{"sleep", "0"}, ""},
		{"hermes itself", []string{"hermes", "version"}, "hermes"},
		{"a path to a program", []string{"/bin/echo", "x"}, "x\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			r := run(t, options{}, c.cmd...)
			if r.Code != 0 || !strings.Contains(r.Stdout, c.want) {
				t.Errorf("want code 0 and %q on stdout, got: %s", c.want, r)
			}
		})
	}
}

// TestQuietCommandWritesOnlyItsOwnOutput, because people pipe the output of `docker run --rm IMAGE ...`.
func TestQuietCommandWritesOnlyItsOwnOutput(t *testing.T) {
	parallel(t)
	r := run(t, options{}, "sh", "-c", "echo out; echo err >&2")
	if r.Code != 0 || r.Stdout != "out\n" {
		t.Errorf("stdout is not the command's alone: %s", r)
	}
}

func TestCommandReadsStandardInput(t *testing.T) {
	parallel(t)
	b := &box{t: t, name: uniqueName(t)}
	t.Cleanup(b.remove)
	args := append([]string{"run", "-i"}, b.args(options{}, []string{"cat"})...)
	if r := doWithInput(t, "line\nlast", args...); r.Code != 0 || r.Stdout != "line\nlast" {
		t.Errorf("want the input back, got: %s", r)
	}
}

func TestCommandRunsAsTheRuntimeUser(t *testing.T) {
	parallel(t)
	r := run(t, options{}, docker.TestClientPath, "self", "a b", "", "c")
	self := decode[selfView](t, r.Stdout)
	if self.UID != runtimeUID || self.GID != runtimeUID {
		t.Errorf("the command runs as %d:%d", self.UID, self.GID)
	}
	for _, g := range self.Groups {
		if g != runtimeUID {
			t.Errorf("the command is in group %d", g)
		}
	}
	if got := fmt.Sprintf("%q", self.Args); got != `["a b" "" "c"]` {
		t.Errorf("the arguments are %s", got)
	}
	if self.Env["HOME"] == "/root" || self.Env["HOME"] == "" {
		t.Errorf("HOME is %q", self.Env["HOME"])
	}
}

// selfView is the output of `testclient self`.
type selfView struct {
	UID, GID int
	Groups   []int
	Cwd      string
	Args     []string
	Env      map[string]string
}

func TestWorkingDirectoryAndEnvironmentKept(t *testing.T) {
	parallel(t)
	want := map[string]string{
		"PLAIN":    "x",
		"SPACES":   "  two  words ",
		"NEWLINES": "one\ntwo\n\nlast\n",
		"QUOTES":   `a"b'c\d$HOME` + "`id`",
		"EQUALS":   "a=b=c",
		"UNICODE":  "Grüße 你好",
		"LONG":     strings.Repeat("0123456789", 3000),
	}
	var env []string
	for k, v := range want {
		env = append(env, k+"="+v)
	}
	check := func(who string, got map[string]string) {
		t.Helper()
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s sees %s=%.60q, want %.60q", who, k, got[k], v)
			}
		}
	}

	r := run(t, options{env: env, flags: []string{"-w", "/var/tmp"}}, docker.TestClientPath, "self")
	if err := r.Failed(); err != nil {
		t.Fatal(err)
	}
	self := decode[selfView](t, r.Stdout)
	if self.Cwd != "/var/tmp" {
		t.Errorf("the command's directory is %s, want that of -w", self.Cwd)
	}
	check("the command", self.Env)

	b := startGateway(t, options{env: env})
	// docker exec passes the container's environment on, so remove everything first.
	clean := b.mustExec("0", "env", "-i", "PATH=/usr/bin:/bin", "with-contenv", docker.TestClientPath, "self")
	check("with-contenv", decode[selfView](t, clean).Env)
	check("the gateway", environment(only(b.ps(), process.isGateway)[0]))
	if got := only(b.ps(), process.isHeartbeat)[0].Cwd; got != "/opt/data" {
		t.Errorf("without -w the command's directory is %s, want the image's", got)
	}
}

func environment(p process) map[string]string {
	env := map[string]string{}
	for _, kv := range p.Env {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	return env
}

func TestOrphansLeaveNoZombies(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	// Each inner shell becomes an orphan, and ends before its own child.
	orphans := `i=0; while [ $i -lt 40 ]; do (sh -c "sleep 0.$((i % 10)) & exec sleep 0.1" &) ; i=$((i+1)); done`
	b.mustExec("hermes", "sh", "-c", orphans)
	b.mustExec("0", "sh", "-c", orphans)
	eventually(t, soon, "no zombie, no orphan", func() error {
		left := only(b.ps(), func(p process) bool { return p.State == "Z" || p.Comm == "sleep" && !p.isHeartbeat() })
		if len(left) > 0 {
			return fmt.Errorf("%v", left)
		}
		return nil
	})
}

// TestOrphansOfTheCommandLeaveNoZombies: the command is not PID 1 and does not wait for its orphans.
func TestOrphansOfTheCommandLeaveNoZombies(t *testing.T) {
	parallel(t)
	b := start(t, options{}, "sh", "-c", "for i in 1 2 3 4 5; do (sleep 0.1 &) ; done; exec sleep infinity")
	eventually(t, soon, "only the heartbeat is left", func() error {
		processes := b.ps()
		left := only(processes, func(p process) bool { return p.State == "Z" || p.Comm == "sleep" && !p.isHeartbeat() })
		if len(left) > 0 || len(only(processes, process.isHeartbeat)) != 1 {
			return fmt.Errorf("%v", left)
		}
		return nil
	})
}

func TestCommandWithManyOrphansStopsAtOnce(t *testing.T) {
	parallel(t)
	// The orphans live longer than the docker command may take.
	r := run(t, options{}, "sh", "-c", "for i in 1 2 3 4 5; do (sleep 300 &) ; done; exit 5")
	if r.Code != 5 {
		t.Errorf("want code 5, got: %s", r)
	}
}
