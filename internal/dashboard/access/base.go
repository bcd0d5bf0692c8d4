package access

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// prefixHeader is the header in which a proxy says which path it removed from the beginning of a request's address. There is no RFC for it;
// Traefik, Envoy and ingress-nginx send it.
const prefixHeader = "X-Forwarded-Prefix"

// maxBase is the longest base, in bytes. The base is the path below which visitors find the dashboard, if a reverse proxy shows it below
// one.
const maxBase = 200

// ownPaths are the first parts of the dashboard's own paths. If a base begins with one of them, nobody can tell whether a request's path
// still has the base, so it is never removed.
var ownPaths = []string{"activity", "all", "api", "boot", "doctor", "events", "health", "login", "logout", "metrics", "new", "oidc", "p", "profiles", "ready", "static"}

type baseKey struct{}

// At returns the path of an address of the dashboard as the visitor of a request knows it: with the base at its beginning. path begins with
// a slash.
func At(ctx context.Context, path string) string {
	base, _ := ctx.Value(baseKey{}).(string)
	return base + path
}

// parseBase checks a base, such as "/hermes" or "/hermes/", and returns it without a slash at its end; "" is no base. What it returns needs
// no escapes in a link, a cookie or a header.
func parseBase(path string) (string, error) {
	base := strings.TrimRight(path, "/")
	if len(base) > maxBase {
		return "", fmt.Errorf("the path has more than %d characters", maxBase)
	}
	for i, segment := range strings.Split(base, "/") {
		if (segment == "") != (i == 0) || segment == "." || segment == ".." || strings.IndexFunc(segment, oddInBase) >= 0 {
			return "", fmt.Errorf("%.60q is no path like /hermes, of letters, digits and -._~@:+", path)
		}
	}
	return base, nil
}

// oddInBase reports whether a base must not have this character.
func oddInBase(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune("-._~@:+", r)
}

// base returns the base of a request: what a trusted proxy says that it removed or, if it says nothing, the path of
// HERMES_DASHBOARD_PUBLIC_URL. If there are several proxies, one behind the other, the base is what each of them says, put together.
func (a *Access) base(r *http.Request, trusted bool) (string, error) {
	values := r.Header.Values(prefixHeader)
	if !trusted || len(values) == 0 {
		return a.options.base, nil
	}
	base := ""
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		one, err := parseBase(strings.TrimSpace(part))
		if err != nil {
			return "", fmt.Errorf("the proxy's %s cannot be used: %w", prefixHeader, err)
		}
		if base += one; len(base) > maxBase {
			return "", fmt.Errorf("the proxy's %s cannot be used: it has more than %d characters", prefixHeader, maxBase)
		}
	}
	return base, nil
}

// below returns a request whose context has the base, for At, and whose path is without the base. Some proxies have removed the base
// already; then the path stays as it is.
func below(r *http.Request, base string) *http.Request {
	if base == "" {
		return r
	}
	r = r.WithContext(context.WithValue(r.Context(), baseKey{}, base))
	first, _, _ := strings.Cut(base[1:], "/")
	path, okPath := strings.CutPrefix(r.URL.Path, base)
	raw, okRaw := strings.CutPrefix(r.URL.RawPath, base)
	if !okPath || r.URL.RawPath != "" && !okRaw || path != "" && path[0] != '/' || raw != "" && raw[0] != '/' || slices.Contains(ownPaths, first) {
		return r
	}
	u := *r.URL
	if u.Path, u.RawPath = path, raw; path == "" {
		u.Path = "/"
	}
	r.URL = &u
	return r
}

// redirects are the headers of an answer that send a visitor to another address.
var redirects = []string{"Location", "Hx-Location", "Hx-Redirect"}

// based writes the answer to a request that has a base. If the answer sends the visitor to a path, it puts the base before the path.
type based struct {
	http.ResponseWriter
	base  string
	begun bool
}

// begin changes the headers, once, before they are sent.
func (b *based) begin() {
	if b.begun {
		return
	}
	b.begun = true
	for _, name := range redirects {
		if to := b.Header().Get(name); strings.HasPrefix(to, "/") {
			b.Header().Set(name, b.base+to)
		}
	}
}

// WriteHeader implements http.ResponseWriter.
func (b *based) WriteHeader(code int) {
	if code >= http.StatusOK { // a code below 200 comes before the answer
		b.begin()
	}
	b.ResponseWriter.WriteHeader(code)
}

// Write implements io.Writer.
func (b *based) Write(data []byte) (int, error) {
	b.begin()
	return b.ResponseWriter.Write(data)
}

// Unwrap lets http.ResponseController reach the connection.
func (b *based) Unwrap() http.ResponseWriter { return b.ResponseWriter }
