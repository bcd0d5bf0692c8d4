//go:build !linux

package process

// Resident returns zeros: the system does not say.
func Resident(int) (private, shared int64) { return 0, 0 }

// PSS returns 0: the system does not say.
func PSS(int) int64 { return 0 }
