package gateway

import (
	"errors"
	"os"
	"syscall"
)

// terminate kills a process at once. Windows has no signal for a process without a window to which it could react.
func terminate(p *os.Process) error { return p.Kill() }

func addressInUse(err error) bool {
	const wsaeaddrinuse = syscall.Errno(10048)
	return errors.Is(err, wsaeaddrinuse)
}
