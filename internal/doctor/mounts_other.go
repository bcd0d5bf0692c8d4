//go:build !linux

package doctor

import (
	"hermes/internal/profile"
	"hermes/internal/volume"
)

// mounted finds nothing, because this system cannot mount single files.
func (e *examination) mounted(string, volume.Dir, []string, []string) []Finding { return nil }

func (e *examination) mountedDatabase(profile.Home) []Finding { return nil }
