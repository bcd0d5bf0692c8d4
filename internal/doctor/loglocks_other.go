//go:build !linux

package doctor

import (
	"context"

	"hermes/internal/volume"
)

// checkLogLocks finds nothing: s6-log runs in containers, and they run Linux.
func checkLogLocks(context.Context, *examination) []Finding { return nil }

func probeLoggerLock(volume.Dir, string) error { return nil }
