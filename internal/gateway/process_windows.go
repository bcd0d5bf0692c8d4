package gateway

import (
	"errors"
	"os"
	"syscall"
)

// processStart only knows whether a process lives.
func processStart(pid int) (start uint64, ok bool) {
	const stillActive = 259
	h, err := syscall.OpenProcess(syscall.PROCESS_QUERY_INFORMATION, false, uint32(pid))
	if err != nil {
		return 0, errors.Is(err, syscall.ERROR_ACCESS_DENIED)
	}
	defer syscall.CloseHandle(h)
	var code uint32
	return 0, syscall.GetExitCodeProcess(h, &code) == nil && code == stillActive
}

// terminate ends a process at once: Windows has no signal that a program without a
// window could wait for.
func terminate(p *os.Process) error { return p.Kill() }

func addressInUse(err error) bool {
	const wsaeaddrinuse = syscall.Errno(10048)
	return errors.Is(err, wsaeaddrinuse)
}
