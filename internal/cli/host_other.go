//go:build !linux && !darwin && !windows

package cli

import "hermes/internal/service/hosted"

// newHost returns nil: this system has no service manager that hermes knows.
func newHost(hosted.Options) hostManager { return nil }

// lingers returns true: there are no services here that could end.
func lingers(string) bool { return true }
