//go:build !unix

package cli

import "os/exec"

// detach does nothing: os/exec passes no descriptor here, so `up -d` says that it cannot start.
func detach(*exec.Cmd) {}
