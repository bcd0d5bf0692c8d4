// Package ports says where the API server of each profile's gateway listens, and assigns ports to profiles that have none.
package ports

import (
	"crypto/sha256"
	"encoding/binary"

	"hermes/internal/profile"
)

const (
	// Default is the port of the default profile's API server (contract "Ports").
	Default = 8642
	// First and End are the range of derived ports of named profiles: [9200, 9800) (M11).
	First = 9200
	End   = 9800
)

// Derived returns the port that follows from a profile's name: 8642 for the default profile, and otherwise the first eight bytes of
// the name's SHA-256, big-endian, modulo the range of M11.
func Derived(n profile.Name) int {
	if n.IsDefault() {
		return Default
	}
	sum := sha256.Sum256([]byte(n.String()))
	return First + int(binary.BigEndian.Uint64(sum[:8])%(End-First))
}
