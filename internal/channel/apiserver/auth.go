package apiserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// private reports whether requests for a path need the key. It does not matter whether the path exists.
func private(path string) bool { return path == "/v1" || strings.HasPrefix(path, "/v1/") }

// authorized compares the keys in constant time. It compares hashes, so that the time does not tell the key's length either.
func (s *Server) authorized(r *http.Request) bool {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || s.o.Key == "" {
		return false
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return subtle.ConstantTimeCompare(sum[:], s.key[:]) == 1
}
