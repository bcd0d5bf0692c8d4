//go:build !unix

package s6

import "hermes/internal/service"

// DefaultScandir is empty, because there is no s6 on this system.
const DefaultScandir = ""

// Scandir returns HERMES_S6_SCANDIR.
func Scandir(getenv func(string) string) string { return getenv("HERMES_S6_SCANDIR") }

// Detect returns KindNone, because there is no s6 on this system.
func Detect(string) service.Kind { return service.KindNone }

// HasReader returns false, because this system has no FIFOs in the file system.
func HasReader(string) bool { return false }
