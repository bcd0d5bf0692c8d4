package cli

import (
	"hermes/internal/service/hosted"
	"hermes/internal/service/windows"
)

// newHost returns the manager of this host.
func newHost(o hosted.Options) hostManager { return windows.New(o) }

// lingers returns true: a Windows service belongs to the system and runs while nobody is logged in.
func lingers(string) bool { return true }
