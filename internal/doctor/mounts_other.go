//go:build !linux

package doctor

import (
	"hermes/internal/profile"
	"hermes/internal/volume"
)

// mounted finds nothing: files are not mounted one by one here.
func (e *examination) mounted(string, volume.Dir, []string, []string) []Finding { return nil }

func (e *examination) mountedDatabase(profile.Home) []Finding { return nil }
