//go:build !linux

package s6

// NoExec returns false.
func NoExec(string) bool { return false }
