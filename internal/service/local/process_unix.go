//go:build unix

package local

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"hermes/internal/service"
)

// passReady passes a process the descriptor on which it says that it is ready.
func passReady(cmd *exec.Cmd, w *os.File) (int, error) {
	cmd.ExtraFiles = []*os.File{w}
	return service.ReadyFD, nil
}

func exitOf(st *os.ProcessState) exit {
	if ws, ok := st.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return exit{code: -1, signal: unix.SignalName(ws.Signal())}
	}
	return exit{code: st.ExitCode()}
}

// terminate asks the process to end. It leaves the children of the process to the process.
func (p *process) terminate() { _ = p.cmd.Process.Signal(syscall.SIGTERM) }

// kill kills the process and its process group.
func (p *process) kill() {
	if p.cmd.Process.Signal(syscall.SIGKILL) == nil { // it is not reaped yet, so its pid still names its group
		_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	}
}
