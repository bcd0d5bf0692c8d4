//go:build !linux

package process

// Resident returns zeros, because this system does not tell.
func Resident(int) (private, shared int64) { return 0, 0 }

// PSS returns 0, because this system does not tell.
func PSS(int) int64 { return 0 }
