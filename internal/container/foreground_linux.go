package container

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"hermes/internal/exitcode"
)

// Foreground is PID 1 of a container without a supervisor. It runs the same command line as its child, passes signals to it, reaps
// orphans, and returns the child's exit code. The kernel has no default actions for signals to PID 1 and makes it the parent of
// every orphan. So a gateway as PID 1 would have to wait for children that it did not start. got has the signals so far and gets
// those to come (Signals).
func Foreground(got <-chan os.Signal) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("cannot find this program: %w", err)
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if _, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil {
		signal.Ignore(unix.SIGTTOU, unix.SIGTTIN)
		cmd.SysProcAttr.Foreground = true // Ctrl-C then reaches only the child
	}
	child := make(chan os.Signal, 1)
	signal.Notify(child, unix.SIGCHLD)
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("cannot start the gateway: %w", err)
	}
	for {
		select {
		case s := <-got:
			if sig, ok := s.(unix.Signal); ok {
				_ = unix.Kill(cmd.Process.Pid, sig) // the child may have ended just now
			}
		case <-child:
			if ws, ended := reap(cmd.Process.Pid); ended {
				signalAll(unix.SIGTERM, func(int) bool { return false })
				await(child, stragglerGrace, func() bool { return len(others()) == 0 })
				if ws.Signaled() {
					return exitcode.Signal(int(ws.Signal())), nil
				}
				return ws.ExitStatus(), nil
			}
		}
	}
}

// reap waits for all children that have ended, and says how one of them ended.
func reap(pid int) (ws unix.WaitStatus, ended bool) {
	for {
		var st unix.WaitStatus
		got, err := unix.Wait4(-1, &st, unix.WNOHANG, nil)
		switch {
		case err == unix.EINTR:
		case err != nil || got <= 0:
			return ws, ended
		case got == pid:
			ws, ended = st, true
		}
	}
}
