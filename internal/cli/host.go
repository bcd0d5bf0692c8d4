package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/hosted"
)

// hostManager is the service manager of a host: systemd, launchd, or Windows. No other package knows which one this system has.
type hostManager interface {
	service.Installer

	// Any reports whether this home has any service.
	Any() bool
	// Path returns the file that defines a service, or would define it.
	Path(service.ID) string
	// Foreign returns *hosted.ForeignError if there is a service of that name and it belongs to another home.
	Foreign(service.ID) error
}

// host returns the host's own service manager, or nil if there is none that we know. It installs new services for the whole system
// if system is true, and has them run as user.
func (a *app) host(system bool, user string) hostManager {
	root, err := profile.RootFromEnv(a.getenv)
	if err == nil {
		root, err = filepath.Abs(root)
	}
	if err != nil {
		return nil
	}
	program, err := thisProgram()
	if err != nil {
		return nil
	}
	return newHost(hosted.Options{Home: root, Program: program, Getenv: a.getenv, System: system, User: user})
}

// thisProgram returns the path by which this program was called, so that a newer version that is put in its place is what runs next.
// If that path leads to another file, thisProgram returns the path of the file that runs.
func thisProgram() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("cannot tell where hermes is: %w", err)
	}
	called, err := exec.LookPath(os.Args[0])
	if err != nil {
		return self, nil //nolint:nilerr // the path of the file that runs is good, too
	}
	if called, err = filepath.Abs(called); err != nil {
		return self, nil //nolint:nilerr // the same
	}
	x, err1 := os.Stat(called)
	y, err2 := os.Stat(self)
	if err1 == nil && err2 == nil && os.SameFile(x, y) {
		return called, nil
	}
	return self, nil
}
