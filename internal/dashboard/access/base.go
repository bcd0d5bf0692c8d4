package access

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// prefixHeader is where a proxy says which path it took off a request before it passed it on. There is no RFC; Traefik, Envoy and
// ingress-nginx send it.
const prefixHeader = "X-Forwarded-Prefix"

// maxBase is the longest path below which the dashboard is found, in bytes.
const maxBase = 200

// ownPaths are how the dashboard's own addresses begin. A path of a proxy that begins so cannot be told from them.
var ownPaths = []string{"activity", "all", "api", "boot", "doctor", "events", "health", "login", "logout", "metrics", "new", "oidc", "p", "profiles", "ready", "static"}

type baseKey struct{}

// At returns an address of the dashboard as the visitor of a request knows it: below the path under which a reverse proxy
// shows the dashboard. path begins with a slash.
func At(ctx context.Context, path string) string {
	base, _ := ctx.Value(baseKey{}).(string)
	return base + path
}

// parseBase reads a path below which the dashboard is found: "/hermes", "" for none. What it returns may stand in a link, in a
// cookie and in a header as it is.
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

func oddInBase(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune("-._~@:+", r)
}

// base returns the path below which the visitor of a request finds the dashboard: what a trusted proxy says that it took off,
// else that of HERMES_DASHBOARD_PUBLIC_URL. Several proxies, one behind the other, each add theirs.
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

// below returns a request as the dashboard understands it: with the address that it has without the base. A proxy may take the
// base off or leave it on.
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

// redirects are the headers that send a visitor somewhere.
var redirects = []string{"Location", "Hx-Location", "Hx-Redirect"}

// based is the writer of a request that came below a base: where an answer sends the visitor to a path, it is one of the
// dashboard's.
type based struct {
	http.ResponseWriter
	base  string
	begun bool
}

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
	if code >= http.StatusOK { // an earlier one is not the answer yet
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
