package apiserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// private reports whether a path wants the key, whether or not it exists.
func private(path string) bool { return path == "/v1" || strings.HasPrefix(path, "/v1/") }

// authorized compares in constant time. Hashing both sides hides the key's length too.
func (s *Server) authorized(r *http.Request) bool {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || s.o.Key == "" {
		return false
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return subtle.ConstantTimeCompare(sum[:], s.key[:]) == 1
}
