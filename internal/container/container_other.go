//go:build !linux

package container

import (
	"context"
	"errors"
)

var errNotLinux = errors.New("this works only inside a Linux container")

// Init fails: the image is a Linux image.
func Init(context.Context, []string) error { return errNotLinux }

// Stage2 fails: the image is a Linux image.
func Stage2([]string) error { return errNotLinux }

// Stage3 returns 1: the image is a Linux image.
func Stage3() int { return 1 }

// DropPrivileges fails: there is no runtime user to become.
func DropPrivileges(User) error { return errNotLinux }

// IsCommand returns false.
func IsCommand() bool { return false }

// Heartbeat fails: there is nothing to keep up.
func Heartbeat() error { return errNotLinux }

// EndOrphans fails: there is no supervision tree.
func EndOrphans(context.Context) error { return errNotLinux }
