//go:build !linux

package doctor

import "context"

// checkLogLocks finds nothing: s6-log runs in containers, and they run Linux.
func checkLogLocks(context.Context, *examination) []Finding { return nil }

func probeLoggerLock(string) error { return nil }
