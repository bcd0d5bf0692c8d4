//go:build linux

package container_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestNothingThatHasSteppedDownHasTheTerminalOfRootsShell: root types in a shell. What then runs as the runtime user is in another
// session where possible, and has no terminal, because a program in the same session could type into the shell. Supervisors and
// supervised processes have no terminal either.
func TestNothingThatHasSteppedDownHasTheTerminalOfRootsShell(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	term := onTerminal(t, "exec", "-it", "-u", "0", b.name, "bash")
	term.expect("#")
	// One command that is not the leader of a job, as in a pipe, and one that starts programs of s6 again and again.
	term.send("true | hermes gateway logs -f >/dev/null &\n")
	term.send("while [ ! -e /tmp/enough ]; do hermes gateway restart >/dev/null 2>&1; done &\n")
	shell := func() process {
		shells := only(b.ps(), func(p process) bool { return p.UID == 0 && p.Comm == "bash" && p.TTY != 0 && p.Session == p.PID })
		if len(shells) != 1 {
			t.Fatalf("root's shells: %v", shells)
		}
		return shells[0]
	}()
	seen := map[string]bool{}
	eventually(t, soon, "helpers are seen", func() error {
		for _, p := range b.ps() {
			if p.UID == 0 {
				continue
			}
			leader := p.isHermes("gateway", "restart") // of a job of the shell: it stays in the session, but cannot be traced
			if !leader && (p.Session == shell.Session || p.TTY != 0) {
				t.Errorf("%v is in session %d with terminal %d, the shell's are %d and %d", p, p.Session, p.TTY, shell.Session, shell.TTY)
			}
			switch {
			case leader:
				seen["restart"] = true
			case p.isHermes("gateway", "logs"):
				seen["logs"] = true
			case strings.HasPrefix(p.Comm, "s6-ftrig"):
				seen["helper"] = true
			}
		}
		if len(seen) < 3 {
			return fmt.Errorf("seen: %v", seen)
		}
		return nil
	})
	b.mustExec("0", "touch", "/tmp/enough")
	term.send("exit\n")
}

// TestAProgramThatSteppedDownCannotBeTraced by its new user. That is why it may stay in a job of root's shell.
func TestAProgramThatSteppedDownCannotBeTraced(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	b.background("0", "hermes", "gateway", "logs", "-f")
	eventually(t, soon, "the log is followed", func() error {
		followers := only(b.ps(), func(p process) bool { return p.isHermes("gateway", "logs") })
		if len(followers) != 1 || followers[0].UID != runtimeUID {
			return fmt.Errorf("%v", followers)
		}
		// Whoever may trace a process may read this directory (ptrace(2), PTRACE_MODE_READ).
		if r := b.exec("10000", "ls", fmt.Sprintf("/proc/%d/fd", followers[0].PID)); r.Code == 0 {
			t.Errorf("it can: %s", r)
		}
		return nil
	})
}
