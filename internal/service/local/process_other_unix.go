//go:build unix && !linux

package local

import (
	"os/exec"
	"syscall"
)

// separate makes a process the leader of a session. If the supervisor dies, the process goes on until the next supervisor replaces
// it.
func separate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
