//go:build unix && !linux

package process

import (
	"errors"
	"syscall"
)

// Started only knows whether a process lives: there is no /proc to ask since when.
func Started(pid int) (start uint64, ok bool) {
	err := syscall.Kill(pid, 0)
	return 0, err == nil || errors.Is(err, syscall.EPERM)
}
