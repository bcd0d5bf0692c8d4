package cli

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// detach gives a command that is not started yet no console, a process group of its own, and a handle on which it says that it is
// ready. The handle is inherited, because os/exec passes no ExtraFiles on Windows. fd is the handle's number.
func detach(cmd *exec.Cmd, ready *os.File) (fd int, err error) {
	h := windows.Handle(ready.Fd())
	if err := windows.SetHandleInformation(h, windows.HANDLE_FLAG_INHERIT, windows.HANDLE_FLAG_INHERIT); err != nil {
		return 0, fmt.Errorf("cannot pass a handle on: %w", err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		CreationFlags:              windows.CREATE_NEW_PROCESS_GROUP | windows.DETACHED_PROCESS,
		AdditionalInheritedHandles: []syscall.Handle{syscall.Handle(h)},
	}
	return int(h), nil
}

// interruptSelf does nothing: there is no table on Windows that could call it.
func interruptSelf() {}
