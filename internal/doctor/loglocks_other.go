//go:build !linux

package doctor

import (
	"context"

	"hermes/internal/volume"
)

// checkLogLocks finds nothing, because s6-log runs only in containers, which run Linux.
func checkLogLocks(context.Context, *examination) []Finding { return nil }

func probeLoggerLock(volume.Dir, string) error { return nil }
