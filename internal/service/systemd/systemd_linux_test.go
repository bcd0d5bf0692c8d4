//go:build systemd

package systemd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hermes/internal/service"
	"hermes/internal/service/restart"
	"hermes/internal/service/servicetest"
	"hermes/internal/service/systemd"
)

// TestMain: the tests run in a container whose PID 1 is systemd, as a user who lingers; see test/container.
func TestMain(m *testing.M) { servicetest.Main(m, func([]string) int { return 2 }) }

var rigs atomic.Int32

// reexec makes the user's systemd execute itself anew. If another test does the same at the moment, systemd accepts no connection,
// so reexec tries again.
func reexec(t *testing.T) {
	t.Helper()
	servicetest.Eventually(t, func() string {
		if out, err := exec.Command("systemctl", "--user", "daemon-reexec").CombinedOutput(); err != nil {
			return fmt.Sprintf("%v: %s", err, out)
		}
		return ""
	})
}

// processes returns the processes of a home whose command line contains a word.
func processes(home, word string) (found []string) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		cmdline, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		environ, _ := os.ReadFile(filepath.Join(dir, "environ"))
		if bytes.Contains(cmdline, []byte(word)) && bytes.Contains(environ, []byte("HERMES_HOME="+home+"\x00")) {
			found = append(found, filepath.Base(dir))
		}
	}
	return found
}

func newRig(t *testing.T) servicetest.Rig {
	t.Helper()
	home, run := t.TempDir(), t.TempDir()
	config, err := os.UserConfigDir()
	self, err1 := os.Executable()
	program := filepath.Join(home, "bin 100% $HOME", "hermes")
	if err = errors.Join(err, err1, os.Mkdir(filepath.Dir(program), 0o755), os.Symlink(self, program)); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(config, "systemd", "user")
	prefix := fmt.Sprintf("rig%d-%d-", os.Getpid(), rigs.Add(1))
	socket := filepath.Join(run, "socket")
	if err := os.Symlink(fmt.Sprintf("/run/user/%d/systemd/private", os.Getuid()), socket); err != nil {
		t.Fatal(err)
	}
	rule := restart.Default()
	m := systemd.NewUserManager(home, program, prefix, socket, dir, func(service.ID) restart.Rule { return rule })
	files := func(id string) []string {
		of, _ := filepath.Glob(filepath.Join(dir, prefix+id+"*"))
		wanted, _ := filepath.Glob(filepath.Join(dir, "*", prefix+id+"*"))
		return append(of, wanted...)
	}
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := exec.Command("journalctl", "--no-pager", "-n", "200").CombinedOutput()
			t.Logf("%s", out)
		}
		for _, f := range files("") {
			if filepath.Dir(f) == dir {
				_ = exec.Command("systemctl", "--user", "kill", "-s", "KILL", filepath.Base(f)).Run()
				_ = exec.Command("systemctl", "--user", "stop", filepath.Base(f)).Run()
				_ = exec.Command("systemctl", "--user", "reset-failed", filepath.Base(f)).Run()
			}
			os.Remove(f)
		}
		for _, p := range processes(home, "") {
			pid, _ := strconv.Atoi(p)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return servicetest.Rig{
		Manager: m, Home: home, Tries: 1, ForgetsStops: true, ForgetsFailures: true,
		RestartSupervisor: reexec,
		SetBackoff: func(_ *testing.T, pause time.Duration, limit int) {
			rule.First, rule.Limit = max(pause, time.Second), limit
			rule.Max = max(rule.First, rule.Max)
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
			if !errors.As(err, &e) || e.Action != action || !strings.Contains(err.Error(), "this user's systemd does not run") {
				t.Errorf("%s: error is %v (%T)", action, err, err)
			}
		},
		Leftovers: func(_ *testing.T, id service.ID) []string {
			n, _ := id.Profile()
			return append(files(id.String()), processes(home, "-p\x00"+n.String()+"\x00")...)
		},
		Helpers: func(*testing.T) []string { return nil },
	}
}

func TestManagerKeepsTheContract(t *testing.T) {
	servicetest.Run(t, servicetest.Harness{New: newRig})
}

// TestSystemdUnderstandsTheUnit: systemd accepts every line and knows every setting.
func TestSystemdUnderstandsTheUnit(t *testing.T) {
	r := newRig(t)
	id := r.Register(t, "coder", servicetest.Ready)
	r.Start(t, id)
	path := ""
	config, _ := os.UserConfigDir()
	all, _ := filepath.Glob(filepath.Join(config, "systemd", "user", "*-gateway-coder.service"))
	for _, p := range all {
		if data, _ := os.ReadFile(p); bytes.Contains(data, []byte(strconv.Quote(r.Home))) {
			path = p
		}
	}
	out, err := exec.Command("systemd-analyze", "--user", "verify", path).CombinedOutput()
	if err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	if out, _ := json.Marshal(all); path == "" {
		t.Errorf("no unit among %s", out)
	}
}
