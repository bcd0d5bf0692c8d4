//go:build linux

package local_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/local"
	"hermes/internal/service/restart"
	"hermes/internal/service/servicetest"
)

// TestMain runs the tests. If the variable is set, the test binary is the supervisor; if its name is hermes, it is the program that
// is supervised.
func TestMain(m *testing.M) {
	if home := os.Getenv("HERMES_TEST_SUPERVISE"); home != "" && os.Getenv(service.SupervisedChild) == "" {
		if err := supervise(home); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	servicetest.Main(m, func([]string) int { return 2 })
}

// supervise does what `hermes up` does, with the rule for failures that the test wrote and a simpler boot.
func supervise(home string) error {
	claim, err := local.Take(home)
	if err != nil {
		return err
	}
	s := local.New(local.Options{
		Home: home, Program: filepath.Join(home, "bin", "hermes"), Env: os.Environ(), Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Backoff: func(service.ID) restart.Rule {
			rule := restart.Default()
			if data, err := os.ReadFile(filepath.Join(home, "backoff.json")); err == nil {
				_ = json.Unmarshal(data, &rule)
			}
			return rule
		},
	})
	entries, err := profile.NewStore(home).List()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if st, err := profile.ReadState(e.Home); err == nil {
			if _, err := s.Write(service.Spec{ID: service.Gateway(e.Home.Name), Up: st.Desired == profile.DesiredRunning}); err != nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _ = s.Listen(claim.Listener, cancel) }()
	fmt.Println("listening")
	s.Serve(ctx)
	claim.Release()
	return nil
}

type supervisor struct {
	home string
	cmd  *exec.Cmd
}

func (v *supervisor) start(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	v.cmd = exec.Command(self)
	v.cmd.Env = append(os.Environ(), "HERMES_TEST_SUPERVISE="+v.home, "GORACE=atexit_sleep_ms=0")
	stderr, err := os.OpenFile(filepath.Join(v.home, "supervisor.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	v.cmd.Stderr = stderr
	out, err := v.cmd.StdoutPipe()
	if err == nil {
		err = v.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "listening\n" {
		rest, _ := io.ReadAll(out)
		t.Fatalf("the supervisor says %q, %q, %v", line, rest, err)
	}
}

func (v *supervisor) crash() {
	_ = v.cmd.Process.Kill()
	_ = v.cmd.Wait()
}

// processes returns the processes of the home's gateways whose command line contains a word.
func (v *supervisor) processes(word string) (found []string) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		cmdline, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		environ, _ := os.ReadFile(filepath.Join(dir, "environ"))
		if bytes.Contains(cmdline, []byte(word)) && bytes.Contains(environ, []byte("HERMES_HOME="+v.home+"\x00")) {
			found = append(found, filepath.Base(dir))
		}
	}
	return found
}

func newRig(t *testing.T) servicetest.Rig {
	t.Helper()
	v := &supervisor{home: t.TempDir()}
	self, err := os.Executable()
	if err == nil {
		err = errors.Join(os.Mkdir(filepath.Join(v.home, "bin"), 0o755), os.Symlink(self, filepath.Join(v.home, "bin", "hermes")))
	}
	if err != nil {
		t.Fatal(err)
	}
	v.start(t)
	t.Cleanup(func() {
		v.crash()
		servicetest.Eventually(t, func() string {
			left := v.processes("")
			for _, p := range left {
				pid, _ := strconv.Atoi(p)
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			return strings.Join(left, " ")
		})
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(v.home, "supervisor.log"))
			t.Logf("the supervisor said:\n%s", text)
		}
	})
	socket := filepath.Join(local.Dir(v.home), "socket")
	m := local.NewManager(v.home)
	return servicetest.Rig{
		Manager: m, Home: v.home, Tells: true,
		RestartSupervisor: func(t *testing.T) { v.crash(); v.start(t) },
		SetBackoff: func(t *testing.T, pause time.Duration, limit int) {
			rule := restart.Default()
			rule.First, rule.Max, rule.Limit = pause, max(pause, rule.Max), limit
			data, err := json.Marshal(rule)
			if err == nil {
				err = os.WriteFile(filepath.Join(v.home, "backoff.json"), data, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		Break: func(t *testing.T, _ service.ID) func() {
			if err := os.Rename(socket, socket+".away"); err != nil {
				t.Fatal(err)
			}
			return func() {
				if err := os.Rename(socket+".away", socket); err != nil {
					t.Fatal(err)
				}
			}
		},
		Refused: func(t *testing.T, action string, err error) {
			var e *service.CommandError
			if !errors.As(err, &e) || e.Action != action || !strings.HasPrefix(err.Error(), "`hermes up` cannot "+action+" 'gateway-coder': it does not answer: ") {
				t.Errorf("%s: error is %v (%T)", action, err, err)
			}
		},
		Leftovers: func(_ *testing.T, id service.ID) []string {
			n, _ := id.Profile()
			return v.processes("-p\x00" + n.String() + "\x00")
		},
		Helpers: func(*testing.T) []string { return nil },
	}
}

func TestManagerKeepsTheContract(t *testing.T) {
	servicetest.Run(t, servicetest.Harness{New: newRig})
}

func TestASecondSupervisorHearsWhoIsThere(t *testing.T) {
	home := t.TempDir()
	c, err := local.Take(home)
	if err != nil {
		t.Fatal(err)
	}
	var held *local.TakenError
	if _, err := local.Take(home); !errors.As(err, &held) || held.PID != os.Getpid() || time.Since(held.Since) > time.Minute {
		t.Errorf("the second one hears %v", err)
	}
	c.Release()
	if c, err = local.Take(home); err != nil {
		t.Fatal(err)
	}
	c.Release()
}

func TestALongHomeHasASocketToo(t *testing.T) {
	home := filepath.Join(t.TempDir(), strings.Repeat("d", 120), strings.Repeat("e", 120))
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := local.Take(home)
	if err != nil {
		t.Fatal(err)
	}
	if !local.Live(home) {
		t.Error("nobody answers")
	}
	if info, err := os.Lstat(filepath.Join(local.Dir(home), "socket")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	c.Release()
	if local.Live(home) {
		t.Error("still live")
	}
}
