package cli_test

import (
	"bytes"
	"context"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestCtrlCEndsAQuestion types Ctrl-C at a question: the command ends at once, and the terminal shows again what is typed.
func TestCtrlCEndsAQuestion(t *testing.T) {
	for asks, args := range map[string][]string{
		"Type the profile's name": {"profile", "delete", "coder"},
		"Password:":               {"dashboard", "hash-password"},
	} {
		newHome(t)
		person, program := terminal(t)
		cmd := exec.CommandContext(context.Background(), "hermes", args...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if err := person.SetReadDeadline(time.Now().Add(deadline)); err != nil {
			t.Fatal(err)
		}
		var said []byte
		for buf := make([]byte, 1024); !bytes.Contains(said, []byte(asks)); {
			n, err := person.Read(buf)
			if said = append(said, buf[:n]...); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
		}
		if _, err := person.WriteString("\x03"); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // its exit code is checked below
		if code := cmd.ProcessState.ExitCode(); code != 130 {
			t.Errorf("%v: exit code %d, want 130", args, code)
		}
		state, err := unix.IoctlGetTermios(int(person.Fd()), unix.TCGETS)
		if err != nil || state.Lflag&unix.ECHO == 0 {
			t.Errorf("%v: the terminal does not show what is typed: %v", args, err)
		}
	}
}

// TestAPasswordIsTypedTwice pastes both passwords at once, as a program may do.
func TestAPasswordIsTypedTwice(t *testing.T) {
	for typed, want := range map[string]int{"sesame\rsesame\r": 0, "sesame\nsesamx\x7fe\n": 0, "sesame\rother\r": 1, "\r\r": 2} {
		person, program := terminal(t)
		if _, err := person.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		if code, said := hermes(t, program, nil, "dashboard", "hash-password"); code != want {
			t.Errorf("%q: code %d, want %d: %s", typed, code, want, said)
		}
	}
}
