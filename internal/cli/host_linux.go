package cli

import (
	"hermes/internal/service/hosted"
	"hermes/internal/service/systemd"
)

// newHost returns the manager of this host, or nil if there is none that we know.
func newHost(o hosted.Options) hostManager {
	if m := systemd.New(o); m != nil {
		return m
	}
	return nil
}

// lingers reports whether the services of a user run while the user is not logged in.
func lingers(user string) bool { return systemd.Lingers(user) }
