//go:build unix

package s6

import (
	"os/exec"
	"syscall"
)

// alone gives a command a session of its own. The command may be a descendant of a command that root typed, and must not have root's
// terminal, into which it could write commands.
func alone(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
