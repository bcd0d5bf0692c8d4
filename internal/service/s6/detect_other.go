//go:build !unix

package s6

import "hermes/internal/service"

// DefaultScandir is empty: there is no s6 here.
const DefaultScandir = ""

// Scandir returns HERMES_S6_SCANDIR.
func Scandir(getenv func(string) string) string { return getenv("HERMES_S6_SCANDIR") }

// Detect returns KindNone: there is no s6 here.
func Detect(string) service.Kind { return service.KindNone }

// HasReader returns false: there are no FIFOs in the file system here.
func HasReader(string) bool { return false }
