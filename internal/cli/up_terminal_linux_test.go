package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/volume"
)

// startUp runs `hermes up` on a terminal of its own, or without one, and returns it with the pid of its gateway when that is
// ready.
func startUp(t *testing.T, tty *os.File, args ...string) (up *exec.Cmd, ended <-chan struct{}, gateway int) {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	for name, value := range map[string]string{"HERMES_HOME": home, "HERMES_S6_SCANDIR": filepath.Join(home, "no-scandir"), "HERMES_S6_SUPERVISED_CHILD": "",
		"HERMES_DASHBOARD": "0", "API_SERVER_PORT": strconv.Itoa(port), "XDG_RUNTIME_DIR": home, "TERM": "xterm"} {
		t.Setenv(name, value)
	}
	up = exec.CommandContext(t.Context(), "hermes", append([]string{"up"}, args...)...)
	var said bytes.Buffer
	up.Stdout, up.Stderr = &said, &said
	if tty != nil {
		up.Stdin, up.Stdout, up.Stderr = tty, tty, tty
		up.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = up.Wait() }() // the tests check its exit code
	t.Cleanup(func() {
		_ = up.Process.Kill() // in most tests it has ended by now
		<-done
		if t.Failed() {
			t.Logf("it said:\n%s", &said)
		}
	})
	for until := time.Now().Add(deadline); ; time.Sleep(20 * time.Millisecond) {
		var out bytes.Buffer
		var status struct {
			PID   int  `json:"pid"`
			Ready bool `json:"ready"`
		}
		code, text := hermes(t, strings.NewReader(""), &out, "gateway", "status", "--format", "json")
		if code == 0 && json.Unmarshal(out.Bytes(), &status) == nil && status.Ready {
			return up, done, status.PID
		}
		if time.Now().After(until) {
			t.Fatalf("the gateway does not become ready: code %d, %s%s", code, out.String(), text)
		}
	}
}

func waitEnd(t *testing.T, ended <-chan struct{}, limit time.Duration) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(limit):
		t.Fatalf("it does not end within %s", limit)
	}
}

// checkDrained checks that a gateway has ended as planned and will run again at the next start.
func checkDrained(t *testing.T, gateway int) {
	t.Helper()
	if err := syscall.Kill(gateway, 0); err == nil {
		t.Errorf("the gateway with pid %d lives", gateway)
	}
	h := profile.NewStore(os.Getenv("HERMES_HOME")).Home(profile.Default())
	if st, err := profile.ReadState(h); err != nil || st.Gateway != profile.StateRunning {
		t.Errorf("the state left is %+v, %v", st, err)
	}
}

func TestAClosedTerminalEndsUp(t *testing.T) {
	person, program := terminal(t)
	up, ended, gateway := startUp(t, program)
	program.Close()
	person.Close()
	waitEnd(t, ended, deadline)
	if code := up.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	checkDrained(t, gateway)
}

// TestASecondSignalDoesNotWait stops the gateway with SIGSTOP, so that it cannot end. After one signal up would wait 25 seconds for it.
func TestASecondSignalDoesNotWait(t *testing.T) {
	up, ended, gateway := startUp(t, nil)
	if err := freeze(gateway); err != nil {
		t.Fatal(err)
	}
	// These are two signals of different kinds, because two of one kind that are pending at once arrive as one (signal(7)).
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		if err := up.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	waitEnd(t, ended, 15*time.Second)
	if err := syscall.Kill(gateway, 0); err == nil {
		t.Errorf("the gateway with pid %d lives", gateway)
	}
}

// watcher reads what a person sees on the terminal.
type watcher struct {
	t      *testing.T
	person *os.File
	mu     sync.Mutex
	seen   []byte
}

func watch(t *testing.T, person *os.File) *watcher {
	w := &watcher{t: t, person: person}
	go func() { // it reads until the terminal is closed
		b := make([]byte, 4096)
		for {
			n, err := person.Read(b)
			w.mu.Lock()
			w.seen = append(w.seen, b[:n]...)
			w.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return w
}

func (w *watcher) all() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.seen)
}

// screen returns the last complete picture. If there is none it returns everything that was shown.
func (w *watcher) screen() string {
	frames := strings.Split(w.all(), "\x1b[H")
	for i := len(frames) - 1; i > 0; i-- {
		if strings.Contains(frames[i], "\x1b[J") {
			return frames[i]
		}
	}
	return frames[0]
}

// sees waits until the screen shows all these texts.
func (w *watcher) sees(what ...string) {
	w.t.Helper()
	for until := time.Now().Add(deadline); ; time.Sleep(10 * time.Millisecond) {
		s := w.screen()
		missing := slices.DeleteFunc(slices.Clone(what), func(part string) bool { return strings.Contains(s, part) })
		if len(missing) == 0 {
			return
		}
		if time.Now().After(until) {
			w.t.Fatalf("the screen does not show %q:\n%s", missing, s)
		}
	}
}

// endsWith waits until this text is the last that was shown. The process that wrote it may have ended, and the text may arrive later.
func (w *watcher) endsWith(what string) {
	w.t.Helper()
	for until := time.Now().Add(deadline); ; time.Sleep(10 * time.Millisecond) {
		s := w.all()
		if strings.HasSuffix(strings.TrimSpace(s), what) {
			return
		}
		if time.Now().After(until) {
			w.t.Fatalf("the last of it is %q, want %q", s[max(0, len(s)-200):], what)
		}
	}
}

func (w *watcher) types(keys string) {
	w.t.Helper()
	if _, err := w.person.WriteString(keys); err != nil {
		w.t.Fatal(err)
	}
}

func TestOnATerminalUpShowsATable(t *testing.T) {
	person, program := terminal(t)
	if err := unix.IoctlSetWinsize(int(program.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 20, Col: 160}); err != nil {
		t.Fatal(err)
	}
	before, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, person)
	up, ended, gateway := startUp(t, program)
	if code, said := hermes(t, strings.NewReader(""), nil, "profile", "create", "coder"); code != 0 {
		t.Fatal(said)
	}
	w.sees("\x1b[7mdefault", "coder", "stopped", "2 gateways, 1 running, 1 ready", "s start  x stop")

	// A crash is shown without a key being typed.
	if err := syscall.Kill(gateway, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.sees("2 gateways, 1 running, 1 ready", " 1 ", "killed by SIGKILL, at ") // one restart, and the reason for it
	w.types("\x1b[B")                                                         // down
	w.sees("\x1b[7mcoder")
	w.types("s")
	w.sees("gateway 'coder' is ready", "2 running, 2 ready")
	w.types("x")
	w.sees("gateway 'coder' is down", "1 running, 1 ready")
	w.types("\x1b[A") // up
	w.sees("\x1b[7mdefault")
	w.types("r")
	w.sees("gateway 'default' is ready again")
	w.types("l")
	w.sees("log of default", "msg=ready", "Esc back")
	w.types("\x1b")
	w.sees("\x1b[7mdefault")
	w.types("?")
	w.sees("does not wait for running turns")
	w.types(" ")
	w.sees("\x1b[7mdefault")

	// When the size of the terminal changes the table is drawn anew at once.
	if err := unix.IoctlSetWinsize(int(program.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 10, Col: 50}); err != nil {
		t.Fatal(err)
	}
	w.sees("hermes up", "…")
	if s := w.screen(); strings.Contains(s, "RESTARTS") {
		t.Errorf("a narrow screen shows all columns:\n%s", s)
	}

	// It asks before it ends gateways that run.
	w.types("q")
	w.sees("End this supervisor and 1 gateway?")
	w.types("n")
	w.sees("s start  x stop")
	w.types("q")
	w.sees("End this supervisor and 1 gateway?")
	w.types("y")
	waitEnd(t, ended, deadline)
	if code := up.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	after, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal is not as it was: %v, %+v, before %+v", err, after, before)
	}
	w.endsWith("\x1b[?1049l")
	if strings.Contains(w.all(), "level=INFO msg=started") {
		t.Errorf("lines of the log are on the screen:\n%s", w.all())
	}
	if lines, err := logs.Last(volume.At(filepath.Join(os.Getenv("HERMES_HOME"), "logs", "up")), 1, nil); err != nil || len(lines) != 1 || !strings.Contains(lines[0].Text, "msg=down") {
		t.Errorf("the supervisor's own log ends with %v, %v", lines, err)
	}
}

func TestPlainLogsLinesOnATerminalToo(t *testing.T) {
	person, program := terminal(t)
	w := watch(t, person)
	up, ended, _ := startUp(t, program, "--plain")
	if err := up.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	waitEnd(t, ended, deadline)
	w.sees("msg=up", "[default] level=INFO msg=ready")
	if s := w.all(); strings.Contains(s, "\x1b[") {
		t.Errorf("it draws: %q", s)
	}
}
