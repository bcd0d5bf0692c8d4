//go:build linux

package container_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a docker command on a pseudo terminal, with its output so far.
type terminal struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	done   chan struct{}

	mu    sync.Mutex
	shown bytes.Buffer
}

// onTerminal starts docker as a person at a terminal does.
func onTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	master, slave, err := openTerminal()
	if err != nil {
		t.Fatalf("cannot open a pseudo terminal: %v", err)
	}
	defer slave.Close()
	term := &terminal{t: t, master: master, done: make(chan struct{})}
	term.cmd = exec.CommandContext(t.Context(), "docker", args...)
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = slave, slave, slave
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := term.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go term.read()
	t.Cleanup(func() {
		master.Close()
		if t.Failed() {
			t.Logf("on the terminal:\n%s", term.text())
		}
	})
	return term
}

func (term *terminal) read() {
	defer close(term.done)
	buf := make([]byte, 4096)
	for {
		n, err := term.master.Read(buf)
		term.mu.Lock()
		term.shown.Write(buf[:n])
		term.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// openTerminal returns both ends of a new pseudo terminal of 80 by 24 characters.
func openTerminal() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		master.Close()
		return nil, nil, err
	}
	return master, slave, nil
}

func (term *terminal) text() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.shown.String()
}

func (term *terminal) send(keys string) {
	term.t.Helper()
	if _, err := term.master.WriteString(keys); err != nil {
		term.t.Fatal(err)
	}
}

// expect waits until the terminal has shown a text.
func (term *terminal) expect(text string) {
	term.t.Helper()
	eventually(term.t, soon, fmt.Sprintf("the terminal shows %q", text), func() error {
		if shown := term.text(); !strings.Contains(shown, text) {
			return fmt.Errorf("it shows %q", shown)
		}
		return nil
	})
}

// end waits until docker has ended and returns its exit code.
func (term *terminal) end() int {
	term.t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- term.cmd.Wait() }()
	eventually(term.t, soon, "docker ends", func() error {
		select {
		case <-ended:
			return nil
		default:
			return fmt.Errorf("it runs")
		}
	})
	return term.cmd.ProcessState.ExitCode()
}

const ctrlC = "\x03"

func TestTerminalGetsJobControl(t *testing.T) {
	parallel(t)
	b := &box{t: t, name: uniqueName(t)}
	t.Cleanup(b.remove)
	term := onTerminal(t, append([]string{"run", "-it"}, b.args(options{env: []string{"PS1=prompt> "}},
		[]string{"bash", "--norc", "--noprofile"})...)...)
	term.expect("prompt> ")

	// The shell joins the words, so that the echo of the typed line differs from the answer.
	term.send("echo tty=$(tty) cols=$(stty size)\r")
	term.expect("cols=24 80")
	term.send("[[ -o monitor ]] && echo mon''itor\r")
	term.expect("monitor")
	term.send("(exit 3); echo co''de=$?\r")
	term.expect("code=3")

	term.send("sleep 100; echo after''wards=$?\r")
	eventually(t, soon, "sleep runs", func() error {
		if len(only(b.ps(), func(p process) bool { return strings.Join(p.Cmdline, " ") == "sleep 100" })) != 1 {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	term.send(ctrlC)
	term.expect("^C")
	eventually(t, soon, "sleep is gone", func() error {
		if left := only(b.ps(), func(p process) bool { return strings.Join(p.Cmdline, " ") == "sleep 100" }); len(left) != 0 {
			return fmt.Errorf("%v", left)
		}
		return nil
	})
	if err := b.running(); err != nil {
		t.Fatalf("Ctrl-C killed more than the command in the foreground: %v", err)
	}

	// Ctrl-Z and fg work only with job control.
	term.send("sleep 200\r")
	eventually(t, soon, "sleep runs", func() error {
		if len(only(b.ps(), func(p process) bool { return strings.Join(p.Cmdline, " ") == "sleep 200" })) != 1 {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	term.send("\x1a")
	term.expect("Stopped")
	term.send("fg\r")
	eventually(t, soon, "sleep goes on", func() error {
		if len(only(b.ps(), func(p process) bool { return strings.Join(p.Cmdline, " ") == "sleep 200" && p.State == "S" })) != 1 {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	term.send(ctrlC)
	eventually(t, soon, "sleep is gone", func() error {
		if left := only(b.ps(), func(p process) bool { return strings.Join(p.Cmdline, " ") == "sleep 200" }); len(left) != 0 {
			return fmt.Errorf("%v", left)
		}
		return nil
	})

	term.send("exit 42\r")
	if code := term.end(); code != 42 {
		t.Errorf("exit code %d, want the shell's, 42", code)
	}
	for _, complaint := range []string{"no job control", "cannot set terminal process group", "ioctl"} {
		if strings.Contains(term.text(), complaint) {
			t.Errorf("the shell complains: %s", complaint)
		}
	}
}

// TestSupervisedGatewayOnATerminal: `docker run -it IMAGE gateway run` shows the breadcrumb, and Ctrl-C ends the container as
// cleanly as docker stop does.
func TestSupervisedGatewayOnATerminal(t *testing.T) {
	parallel(t)
	b := &box{t: t, name: uniqueName(t)}
	t.Cleanup(b.remove)
	term := onTerminal(t, append([]string{"run", "-it"}, b.args(options{}, []string{"gateway", "run"})...)...)
	term.expect("HERMES_GATEWAY_NO_SUPERVISE")
	b.waitReady(gatewaySlot)
	term.send(ctrlC)
	code := term.end()
	t.Logf("exit code %d", code)
	if s := b.gatewayState()["gateway_state"]; s != "running" {
		t.Errorf("gateway_state is %v, want running: nobody planned the stop", s)
	}
}

// TestGatewayRunInAnExecTerminalFollowsTheLog: `gateway run`, typed by hand, starts the service and shows its log. Ctrl-C ends the
// log and not the service.
func TestGatewayRunInAnExecTerminalFollowsTheLog(t *testing.T) {
	parallel(t)
	b := startIdle(t, options{})
	heartbeats := len(only(b.ps(), process.isHeartbeat))
	term := onTerminal(t, "exec", "-it", b.name, "hermes", "gateway", "run")
	term.expect("HERMES_GATEWAY_NO_SUPERVISE")
	now := b.waitReady(gatewaySlot)
	if got := len(only(b.ps(), process.isHeartbeat)); got != heartbeats {
		t.Errorf("it left a heartbeat: %d, there were %d", got, heartbeats)
	}
	r := b.say("s", "hello")
	if r.Status != 200 {
		t.Errorf("%+v", r)
	}
	before := len(term.text())
	b.kill(now)
	now = b.waitReplaced(gatewaySlot, now)
	eventually(t, soon, "the log of the new gateway is shown", func() error {
		if len(term.text()) == before {
			return fmt.Errorf("nothing new")
		}
		return nil
	})
	term.send(ctrlC)
	term.end()
	if err := b.isStill(gatewaySlot, now); err != nil {
		t.Errorf("Ctrl-C touched the service: %v", err)
	}
}
