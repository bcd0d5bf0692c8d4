//go:build !linux

package service

// OOMKills returns ok false: this system does not say.
func OOMKills() (n uint64, ok bool) { return 0, false }
