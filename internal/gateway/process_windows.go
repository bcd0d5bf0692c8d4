package gateway

import (
	"errors"
	"os"
	"syscall"
)

// terminate ends a process at once: Windows has no signal that a program without a
// window could wait for.
func terminate(p *os.Process) error { return p.Kill() }

func addressInUse(err error) bool {
	const wsaeaddrinuse = syscall.Errno(10048)
	return errors.Is(err, wsaeaddrinuse)
}
