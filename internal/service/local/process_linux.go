package local

import (
	"os/exec"
	"syscall"
)

// separate makes a process the leader of a session, as s6-supervise does, so that Ctrl-C in the supervisor's terminal reaches only
// the supervisor. If the supervisor dies, the process gets SIGTERM, drains and ends.
func separate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
}
