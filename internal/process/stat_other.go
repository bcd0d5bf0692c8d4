//go:build !linux

package process

// Read returns false, because it is not implemented on this system.
func Read(int) (Stat, bool) { return Stat{}, false }
