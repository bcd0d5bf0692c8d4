package cli

import (
	"path/filepath"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/hosted"
)

// hostManager is the service manager of a host: systemd, launchd, Windows. This is the only package that knows which one this
// system has.
type hostManager interface {
	service.Installer

	// Any reports whether this home has any service.
	Any() bool
	// Path returns where a service is defined, or would be.
	Path(service.ID) string
	// Foreign returns *hosted.ForeignError if a service of that name is there and is not this home's.
	Foreign(service.ID) error
}

// host returns the host's own service manager, or nil if there is none that we know. New services are the system's if
// system says so, and run as user.
func (a *app) host(system bool, user string) hostManager {
	root, err := profile.RootFromEnv(a.getenv)
	if err == nil {
		root, err = filepath.Abs(root)
	}
	if err != nil {
		return nil
	}
	program, err := a.program()
	if err != nil {
		return nil
	}
	return newHost(hosted.Options{Home: root, Program: program, Getenv: a.getenv, System: system, User: user})
}
