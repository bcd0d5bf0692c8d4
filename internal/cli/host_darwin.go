package cli

import (
	"hermes/internal/service/hosted"
	"hermes/internal/service/launchd"
)

// newHost returns the manager of this host.
func newHost(o hosted.Options) hostManager { return launchd.New(o) }

// lingers returns true, so that nobody is told to change it: launchd has no switch for it. An agent runs while its user is logged in.
func lingers(string) bool { return true }
