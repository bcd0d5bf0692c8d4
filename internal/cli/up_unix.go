//go:build unix

package cli

import (
	"os"
	"os/exec"
	"syscall"
)

// detach gives a command that is not started yet a session of its own, and a descriptor on which it says that it is ready. fd is the
// descriptor's number in the command.
func detach(cmd *exec.Cmd, ready *os.File) (fd int, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.ExtraFiles = []*os.File{ready}
	return 3, nil
}

// interruptSelf sends this process the signal of Ctrl-C. The table calls it, because its terminal is in raw mode and sends none.
func interruptSelf() { _ = syscall.Kill(syscall.Getpid(), syscall.SIGINT) }
