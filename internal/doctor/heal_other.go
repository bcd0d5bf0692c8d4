//go:build !linux

package doctor

// Heal does nothing, because there is no image for this system.
func Heal(Options) []Finding { return nil }
