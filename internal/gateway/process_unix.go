//go:build unix

package gateway

import (
	"errors"
	"os"
	"syscall"
)

func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

func addressInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
