//go:build windows

package process

import (
	"errors"
	"syscall"
)

// Started reports only whether a process lives; start is 0.
func Started(pid int) (start uint64, ok bool) {
	const stillActive = 259
	h, err := syscall.OpenProcess(syscall.PROCESS_QUERY_INFORMATION, false, uint32(pid))
	if err != nil {
		return 0, errors.Is(err, syscall.ERROR_ACCESS_DENIED)
	}
	defer syscall.CloseHandle(h)
	var code uint32
	return 0, syscall.GetExitCodeProcess(h, &code) == nil && code == stillActive
}
