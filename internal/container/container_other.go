//go:build !linux

package container

import (
	"context"
	"errors"
	"os"
)

// ErrCannotStepDown reports root that can neither become another user nor may run gateways itself.
var ErrCannotStepDown = errors.New("refusing to run as root")

var errNotLinux = errors.New("this works only inside a Linux container")

// Init fails: the image is a Linux image.
func Init(<-chan os.Signal, []string, bool) error { return errNotLinux }

// Stage2 fails: the image is a Linux image.
func Stage2(string, []string, bool) error { return errNotLinux }

// StoppedError is never returned.
type StoppedError struct{ Code int }

func (e *StoppedError) Error() string { return "" }

// Signals returns nil: nothing here is PID 1.
func Signals() chan os.Signal { return nil }

// OwnArguments returns nothing: there is no container.
func OwnArguments([]string) ([]string, bool) { return nil, false }

// Stage3 returns 1: the image is a Linux image.
func Stage3(string) int { return 1 }

// DropPrivileges fails: there is no runtime user to become.
func DropPrivileges(User) error { return errNotLinux }

// Umask does nothing: there is no image.
func Umask(func(string) string) {}

// IsCommand returns false.
func IsCommand() bool { return false }

// Heartbeat fails: there is nothing to keep up.
func Heartbeat() error { return errNotLinux }

// EndOrphans fails: there is no supervision tree.
func EndOrphans(context.Context) error { return errNotLinux }

// Current fails: there is no runtime user.
func Current(func(string) string) (User, bool, error) { return User{}, false, errNotLinux }

// ExecUser fails: there is no runtime user.
func ExecUser(func(string) string) (User, error) { return User{}, errNotLinux }

// Stranger returns false: there is no runtime user.
func Stranger(func(string) string) (User, bool) { return User{}, false }

// EnterEnvironment does nothing: nobody keeps an environment.
func EnterEnvironment() error { return nil }

// OneUser returns false: this is no container.
func OneUser(func(string) string) bool { return false }

// Foreground fails: nothing of ours is PID 1 here.
func Foreground(<-chan os.Signal) (int, error) { return 0, errNotLinux }

// Embedded is the init of an image without s6.
type Embedded struct {
	Setup      func() error
	Supervisor []string
	Redirected bool
}

// Run fails: the image is a Linux image.
func (Embedded) Run([]string) (int, error) { return 1, errNotLinux }

// HasS6 returns true: there is nothing to take s6's place.
func HasS6() bool { return true }
