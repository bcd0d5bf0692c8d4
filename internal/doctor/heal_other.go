//go:build !linux

package doctor

// Heal does nothing: there is no image for this system.
func Heal(Options) []Finding { return nil }
