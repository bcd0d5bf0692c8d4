package cli

import (
	"hermes/internal/service/hosted"
	"hermes/internal/service/windows"
)

// newHost returns the manager of this host.
func newHost(o hosted.Options) hostManager { return windows.New(o) }

// lingers returns true: a Windows service is the system's.
func lingers(string) bool { return true }
