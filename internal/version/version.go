// Package version says which build this is.
package version

// Version is set by the linker (-X hermes/internal/version.Version=...).
var Version = "dev"
