//go:build unix

package cli

import (
	"os"
	"os/exec"
	"syscall"
)

// detach gives a command a session of its own, and the descriptor on which it says that it is ready.
func detach(cmd *exec.Cmd, ready *os.File) (fd int, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.ExtraFiles = []*os.File{ready}
	return 3, nil
}

// interruptSelf is Ctrl-C, which a terminal in raw mode does not make.
func interruptSelf() { _ = syscall.Kill(syscall.Getpid(), syscall.SIGINT) }
