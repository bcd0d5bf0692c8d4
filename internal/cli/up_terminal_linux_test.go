package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hermes/internal/profile"
)

// startUp runs `hermes up` on a terminal of its own, or without one, and returns it with the pid of its gateway when that is
// ready.
func startUp(t *testing.T, tty *os.File) (up *exec.Cmd, ended <-chan struct{}, gateway int) {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	for name, value := range map[string]string{"HERMES_HOME": home, "HERMES_S6_SCANDIR": filepath.Join(home, "no-scandir"), "HERMES_S6_SUPERVISED_CHILD": "",
		"HERMES_DASHBOARD": "0", "API_SERVER_PORT": strconv.Itoa(port), "XDG_RUNTIME_DIR": home} {
		t.Setenv(name, value)
	}
	up = exec.CommandContext(t.Context(), "hermes", "up")
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
	go func() { defer close(done); _ = up.Wait() }() // its state is looked at
	t.Cleanup(func() {
		_ = up.Process.Kill() // most have ended
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

// checkDrained sees that a gateway ended well and will run again at the next start.
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

// TestASecondSignalDoesNotWait: the gateway cannot end, and would be given its 25 seconds.
func TestASecondSignalDoesNotWait(t *testing.T) {
	up, ended, gateway := startUp(t, nil)
	if err := syscall.Kill(gateway, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := up.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		// Two of a kind that are pending at once are one (signal(7)).
		time.Sleep(200 * time.Millisecond)
	}
	waitEnd(t, ended, 15*time.Second)
	if err := syscall.Kill(gateway, 0); err == nil {
		t.Errorf("the gateway with pid %d lives", gateway)
	}
}
