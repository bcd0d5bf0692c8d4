package systemd

import (
	"hermes/internal/service"
	"hermes/internal/service/restart"
)

// NewUserManager returns a manager for the user's systemd at the given socket. The names of its units begin with prefix.
func NewUserManager(home, program, prefix, socket, dir string, backoff func(service.ID) restart.Rule) *Manager {
	s := scope{name: "systemd (user)", dir: dir, socket: socket}
	return &Manager{home: home, program: program, prefix: prefix, scopes: []scope{s}, install: s, backoff: backoff}
}
