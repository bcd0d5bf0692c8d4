//go:build unix && !linux

package process

import (
	"errors"
	"syscall"
)

// Started reports only whether a process lives. Without /proc its start time is unknown, and start is 0.
func Started(pid int) (start uint64, ok bool) {
	err := syscall.Kill(pid, 0)
	return 0, err == nil || errors.Is(err, syscall.EPERM)
}
