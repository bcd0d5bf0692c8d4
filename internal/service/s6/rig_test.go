//go:build linux

package s6_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hermes/internal/service"
	"hermes/internal/service/restart"
	"hermes/internal/service/s6"
	"hermes/internal/service/servicetest"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "s6-ftrig-listen1" {
		if err := listen(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	servicetest.Main(m, finish)
}

// finish does what `hermes gateway finish` does, with the rule that the test wrote.
func finish(args []string) int {
	rule := restart.Default()
	if data, err := os.ReadFile(filepath.Join(os.Getenv("HERMES_HOME"), "backoff.json")); err == nil {
		if err := json.Unmarshal(data, &rule); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	id, ok := service.ParseID(args[0])
	if !ok || len(args) != 3 {
		fmt.Println("unexpected arguments:", args)
		return 2
	}
	d, last, err := s6.Failed(context.Background(), id, ".", rule)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if d.GiveUp {
		return 125
	}
	fmt.Println(d.Tell(id, last.How()))
	return 0
}

// tree is an s6-svscan with a scan directory of its own.
type tree struct {
	scandir, home string
	env           []string
	log           *os.File
	cmd           *exec.Cmd
	ended         chan struct{}
}

func newTree(t *testing.T) *tree {
	t.Helper()
	if _, err := exec.LookPath("s6-svscan"); err != nil {
		t.Fatal("s6 is not installed: run script/need s6, or apt-get install s6")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tr := &tree{scandir: t.TempDir(), home: t.TempDir()}
	bin := filepath.Join(tr.home, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "hermes")); err != nil {
		t.Fatal(err)
	}
	tr.env = append(os.Environ(), "HERMES_HOME="+tr.home, "PATH="+bin+":"+os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0",
		"TZ=CET-1CEST,M3.5.0,M10.5.0/3") // no line of a log may have this local time
	if tr.log, err = os.Create(filepath.Join(tr.home, "tree.log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tr.end(t)
		if t.Failed() {
			text, _ := os.ReadFile(tr.log.Name())
			t.Logf("the tree said:\n%s", text)
		}
		tr.log.Close()
	})
	tr.start(t)
	return tr
}

func (tr *tree) start(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("s6-svscan", append(args, tr.scandir)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = tr.env, tr.log, tr.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT} // if the test runs out of time, it cleans up nothing
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	tr.cmd, tr.ended = cmd, ended
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	servicetest.Eventually(t, func() string {
		if s6.Detect(tr.scandir) != service.KindS6 {
			return "s6-svscan does not come up"
		}
		return ""
	})
}

// end takes the tree down and kills the processes that are left.
func (tr *tree) end(t *testing.T) {
	t.Helper()
	tr.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-tr.ended:
	case <-time.After(3 * time.Second): // a process ignores SIGTERM
	}
	servicetest.Eventually(t, func() string {
		left := tr.processes(func(p process) bool { return p.home == tr.home })
		for _, p := range left {
			syscall.Kill(p.pid, syscall.SIGKILL)
		}
		if len(left) > 0 {
			return fmt.Sprint(left)
		}
		return ""
	})
	<-tr.ended
}

type process struct {
	pid                   int
	name, args, cwd, home string
	readsEvents           bool
}

func (p process) String() string { return fmt.Sprintf("%d %s (in %s)", p.pid, p.args, p.cwd) }

// processes returns the processes of the tree for which match returns true.
func (tr *tree) processes(match func(process) bool) (found []process) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() {
			continue
		}
		p := process{pid: pid}
		cmdline, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if len(cmdline) == 0 {
			continue // a zombie, or the kernel's
		}
		p.args = string(bytes.TrimRight(bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '}), " "))
		p.name = filepath.Base(strings.Fields(p.args + " ?")[0])
		p.cwd, _ = os.Readlink(filepath.Join(dir, "cwd"))
		environ, _ := os.ReadFile(filepath.Join(dir, "environ"))
		for v := range bytes.SplitSeq(environ, []byte{0}) {
			if home, ok := bytes.CutPrefix(v, []byte("HERMES_HOME=")); ok {
				p.home = string(home)
			}
		}
		if p.name == "s6-ftrigrd" {
			fds, _ := filepath.Glob(filepath.Join(dir, "fd", "*"))
			for _, fd := range fds {
				to, _ := os.Readlink(fd)
				p.readsEvents = p.readsEvents || strings.HasPrefix(to, tr.scandir+"/")
			}
		}
		if match(p) {
			found = append(found, p)
		}
	}
	return found
}

// supervisors returns the s6-supervise processes of a slot, without that of its logger.
func (tr *tree) supervisors(id service.ID) []process {
	return tr.processes(func(p process) bool {
		return p.name == "s6-supervise" && p.cwd == filepath.Join(tr.scandir, id.String())
	})
}

// killSupervisor kills a slot's s6-supervise and returns when s6-svscan has started another.
func (tr *tree) killSupervisor(t *testing.T, id service.ID) {
	t.Helper()
	old := tr.supervisors(id)
	if len(old) != 1 {
		t.Fatalf("supervisors of %s: %v", id, old)
	}
	syscall.Kill(old[0].pid, syscall.SIGKILL)
	servicetest.Eventually(t, func() string {
		now := tr.supervisors(id)
		if len(now) != 1 || now[0].pid == old[0].pid ||
			!s6.HasReader(filepath.Join(tr.scandir, id.String(), "supervise", "control")) {
			return fmt.Sprintf("supervisors of %s: %v", id, now)
		}
		return ""
	})
}

func (tr *tree) rig() servicetest.Rig {
	m := s6.New(tr.scandir)
	return servicetest.Rig{
		Manager: m,
		Home:    tr.home,
		Tells:   true,
		RestartSupervisor: func(t *testing.T) {
			t.Helper()
			ids, err := s6.Slots{Dir: tr.scandir}.List()
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range ids {
				tr.killSupervisor(t, id)
			}
		},
		SetBackoff: func(t *testing.T, pause time.Duration, limit int) {
			t.Helper()
			rule := restart.Default()
			rule.First, rule.Max, rule.Limit = pause, max(pause, rule.Max), limit
			data, err := json.Marshal(rule)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(tr.home, "backoff.json"), data, 0o644); err != nil {
				t.Fatal(err)
			}
		},
		Break: func(t *testing.T, id service.ID) func() {
			t.Helper()
			// The supervisor keeps the FIFO open that is renamed here, so it lives but gets no commands.
			control := filepath.Join(tr.scandir, id.String(), "supervise", "control")
			if err := os.Rename(control, control+".away"); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mkfifo(control, 0o600); err != nil {
				t.Fatal(err)
			}
			return func() {
				if err := os.Rename(control+".away", control); err != nil {
					t.Fatal(err)
				}
			}
		},
		Leftovers: func(t *testing.T, id service.ID) (left []string) {
			t.Helper()
			entries, err := os.ReadDir(tr.scandir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if strings.Contains(e.Name(), id.String()) {
					left = append(left, e.Name())
				}
			}
			for _, p := range tr.processes(func(p process) bool {
				return strings.HasPrefix(p.cwd, tr.scandir+"/") && strings.Contains(p.cwd, id.String())
			}) {
				left = append(left, p.String())
			}
			return left
		},
		Helpers: func(t *testing.T) (helpers []string) {
			t.Helper()
			for _, p := range tr.processes(func(p process) bool {
				return p.home != tr.home && (p.readsEvents || strings.Contains(p.args, tr.scandir+"/"))
			}) {
				helpers = append(helpers, p.String())
			}
			return helpers
		},
	}
}

func newRig(t *testing.T) servicetest.Rig {
	t.Helper()
	return newTree(t).rig()
}

func TestManagerKeepsTheContract(t *testing.T) {
	servicetest.Run(t, servicetest.Harness{New: newRig})
}
