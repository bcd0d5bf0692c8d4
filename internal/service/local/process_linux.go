package local

import (
	"os/exec"
	"syscall"
)

// separate makes a process the leader of a session, as s6-supervise does: Ctrl-C in the supervisor's terminal is
// the supervisor's. If the supervisor dies the process drains and ends.
func separate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
}
