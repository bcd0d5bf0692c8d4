//go:build !linux

package container

import (
	"context"
	"errors"
	"os"
)

// ErrCannotStepDown reports that root can neither become another user nor may run gateways itself.
var ErrCannotStepDown = errors.New("refusing to run as root")

var errNotLinux = errors.New("this works only inside a Linux container")

// Init fails, because the image is a Linux image.
func Init(<-chan os.Signal, []string, bool) error { return errNotLinux }

// Stage2 fails, because the image is a Linux image.
func Stage2(string, []string, bool) error { return errNotLinux }

// StoppedError is never returned on this system.
type StoppedError struct{ Code int }

func (e *StoppedError) Error() string { return "" }

// Signals returns nil, because hermes is not PID 1 on this system.
func Signals() chan os.Signal { return nil }

// OwnArguments returns nothing, because there is no container.
func OwnArguments([]string) ([]string, bool) { return nil, false }

// Stage3 returns 1, because the image is a Linux image.
func Stage3(string) int { return 1 }

// DropPrivileges fails, because there is no runtime user.
func DropPrivileges(User) error { return errNotLinux }

// Umask does nothing, because there is no image.
func Umask(func(string) string) {}

// IsCommand returns false, because there is no container.
func IsCommand() bool { return false }

// Heartbeat fails, because there is no container to keep up.
func Heartbeat() error { return errNotLinux }

// EndOrphans fails, because there is no supervision tree.
func EndOrphans(context.Context) error { return errNotLinux }

// Current fails, because there is no runtime user.
func Current(func(string) string) (User, bool, error) { return User{}, false, errNotLinux }

// ExecUser fails, because there is no runtime user.
func ExecUser(func(string) string) (User, error) { return User{}, errNotLinux }

// Stranger returns false, because there is no runtime user.
func Stranger(func(string) string) (User, bool) { return User{}, false }

// EnterEnvironment does nothing, because there is no container's environment.
func EnterEnvironment() error { return nil }

// OneUser returns false, because this is no container.
func OneUser(func(string) string) bool { return false }

// Foreground fails, because hermes is not PID 1 on this system.
func Foreground(<-chan os.Signal) (int, error) { return 0, errNotLinux }

// Embedded is the init of an image without s6.
type Embedded struct {
	Setup      func() error
	Supervisor []string
	Redirected bool
}

// Run fails, because the image is a Linux image.
func (Embedded) Run([]string) (int, error) { return 1, errNotLinux }

// HasS6 returns true, so that nothing replaces s6.
func HasS6() bool { return true }
