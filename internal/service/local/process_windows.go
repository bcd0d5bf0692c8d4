package local

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// passReady passes a process the handle on which it says that it is ready. On Windows os/exec cannot pass files.
func passReady(cmd *exec.Cmd, w *os.File) (int, error) {
	h := syscall.Handle(w.Fd())
	if err := windows.SetHandleInformation(windows.Handle(h), windows.HANDLE_FLAG_INHERIT, windows.HANDLE_FLAG_INHERIT); err != nil {
		return 0, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{AdditionalInheritedHandles: []syscall.Handle{h}}
	return int(h), nil
}

// separate makes the process the leader of a process group, so that it alone can be asked to end.
func separate(cmd *exec.Cmd) { cmd.SysProcAttr.CreationFlags = windows.CREATE_NEW_PROCESS_GROUP }

func exitOf(st *os.ProcessState) exit { return exit{code: st.ExitCode()} }

// terminate sends Ctrl-Break, which a gateway treats as an interrupt.
func (p *process) terminate() {
	if windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(p.pid)) != nil {
		p.kill()
	}
}

func (p *process) kill() { _ = p.cmd.Process.Kill() }
