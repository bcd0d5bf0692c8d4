//go:build unix && !linux

package cli_test

// inOwnNetwork does nothing: only Linux has such networks.
func inOwnNetwork() (code int, ran bool) { return 0, false }
