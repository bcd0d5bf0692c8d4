//go:build unix

package s6

import (
	"os/exec"
	"syscall"
)

// alone gives a command a session of its own: one that was started by a command which root typed must not have
// root's terminal, into which it could type.
func alone(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
