package profile

import (
	"crypto/sha256"
	"encoding/binary"
)

const (
	// DefaultPort is the port of the default profile's API server (contract "Ports").
	DefaultPort = 8642
	// FirstPort and EndPort bound the derived ports of named profiles: [9200, 9800) (M11).
	FirstPort = 9200
	EndPort   = 9800
)

// DerivedPort returns the port that a profile's name gives: 8642 for the default
// profile, else the first eight bytes of the name's SHA-256, big-endian, modulo the range of M11.
func DerivedPort(n Name) int {
	if n.IsDefault() {
		return DefaultPort
	}
	sum := sha256.Sum256([]byte(n.String()))
	return FirstPort + int(binary.BigEndian.Uint64(sum[:8])%(EndPort-FirstPort))
}
