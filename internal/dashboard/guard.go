package dashboard

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
)

// guard lets those in who know the credentials. Without credentials the dashboard listens on loopback only, and
// then it answers only requests for a loopback name, so that no web page can reach it through a name of its own
// that points there (DNS rebinding).
func guard(c Config, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.protected() {
			host, _, err := net.SplitHostPort(r.Host)
			if err != nil {
				host = r.Host
			}
			if !isLoopback(host) {
				http.Error(w, "this dashboard has no credentials and answers on loopback only", http.StatusForbidden)
				return
			}
		} else if user, password, ok := r.BasicAuth(); !ok || !same(user, c.Username) || !same(password, c.Password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="hermes", charset="UTF-8"`)
			http.Error(w, "log in with the dashboard's user name and password", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// same compares in a time that tells nothing about either, not even the length.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
