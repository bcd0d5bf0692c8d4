package dashboard

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"hermes/internal/dashboard/backend"
	"hermes/internal/fleet"
	"hermes/internal/httpguard"
	"hermes/internal/profile"
	"hermes/internal/profile/ports"
)

// maxRelayed is the largest request that a gateway takes, in bytes.
const maxRelayed = 4 << 20

// frontDoor serves /p/<profile>/v1/...: it passes requests on to the API of that profile's gateway, so that one published port is enough
// for all gateways. A request must have the gateway's own key. The dashboard's credentials are not needed, and not passed on.
type frontDoor struct {
	fleet  *fleet.Fleet
	store  *profile.Store
	getenv func(string) string
	proxy  *httputil.ReverseProxy
	bodies httpguard.Bodies
}

func newFrontDoor(b *backend.Backend, log *slog.Logger) *frontDoor {
	d := &frontDoor{fleet: b.Fleet, store: b.Store, getenv: b.Getenv}
	d.bodies = httpguard.Bodies{Max: maxRelayed, Stall: 10 * time.Second, Within: time.Minute, Together: 128 << 20}
	d.proxy = &httputil.ReverseProxy{
		Rewrite:        func(p *httputil.ProxyRequest) { rewrite(p) },
		ModifyResponse: tidy,
		FlushInterval:  -1, // answers are streams
		ErrorHandler:   relayFailed,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		Transport: &http.Transport{
			Proxy: nil, DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
			MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, DisableCompression: true,
		},
	}
	return d
}

func (d *frontDoor) register(mux *http.ServeMux) { mux.Handle("/p/{name}/", d) }

// relayed reports whether a path of a gateway can be reached.
func relayed(path string) bool {
	return path == "/health" || path == "/ready" || strings.HasPrefix(path, "/v1/")
}

func (d *frontDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := profile.ParseName(r.PathValue("name"))
	// The path is compared as it was sent, and may have no escapes: so the gateway cannot read it in another way.
	rest, found := strings.CutPrefix(r.URL.EscapedPath(), "/p/"+n.String())
	if err != nil || !found || !relayed(rest) || strings.ContainsAny(rest, "%\\") || strings.Contains(rest, "..") || strings.Contains(rest, "//") {
		apiFailed(w, http.StatusNotFound, "not_found", "no such path: /p/<profile>/v1/... leads to the API of a profile's gateway")
		return
	}
	g, api, ok := d.opens(n, r.Header.Values("Authorization"))
	if !ok {
		w.Header().Set("WWW-Authenticate", "Bearer")
		apiFailed(w, http.StatusUnauthorized, "invalid_api_key", "missing or wrong API key: send the profile's API_SERVER_KEY as a bearer token")
		return
	}
	// If the gateway is down, another process may listen on its port, and must not get the visitors' keys.
	if !g.Up() || !g.Ready || g.Port == 0 {
		w.Header().Set("Retry-After", "2")
		apiFailed(w, http.StatusServiceUnavailable, "not_ready", "gateway '"+n.String()+"' is "+stateWord(g.State))
		return
	}
	// The request is read whole before the gateway is asked, so that no gateway waits for a slow visitor.
	release, err := d.bodies.Take(w, r)
	defer release()
	var refused *httpguard.BodyError
	if errors.As(err, &refused) {
		apiFailed(w, refused.Status, bodyCodes[refused.Status], refused.Msg)
		return
	}
	api.Port = g.Port
	r.URL = &url.URL{Scheme: "http", Host: api.Dial(), Path: rest, RawQuery: r.URL.RawQuery}
	for _, name := range framed {
		w.Header().Del(name) // tidy sets its own
	}
	d.proxy.ServeHTTP(w, r)
}

// bodyCodes are the codes that the gateways' own API has for these statuses.
var bodyCodes = map[int]string{
	http.StatusBadRequest: "invalid_request", http.StatusRequestTimeout: "request_timeout", http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusServiceUnavailable: "busy",
}

// opens returns the gateway of a profile, if the request has the profile's key. Without the key nobody can tell whether there is such a
// profile: the answer is the same, and takes as long.
func (d *frontDoor) opens(n profile.Name, auth []string) (*fleet.Gateway, ports.Endpoint, bool) {
	none := ports.Endpoint{}
	if len(auth) != 1 || !isBearer(auth[0]) {
		return nil, none, false
	}
	g, known := d.fleet.Snapshot().Get(n)
	if !known { // the default profile's key is compared instead, which takes as long
		n = profile.Default()
	}
	h := d.store.Home(n)
	api, err := ports.EndpointOf(h, d.getenv)
	_, key, _ := strings.Cut(auth[0], " ")
	want, got := sha256.Sum256([]byte(api.Key)), sha256.Sum256([]byte(key))
	right := subtle.ConstantTimeCompare(want[:], got[:]) == 1
	return g, api, known && err == nil && right
}

// rewrite takes out of a request what the gateway must not know, such as who is logged in at the dashboard, and what it must not believe,
// such as where a stranger claims to come from.
func rewrite(p *httputil.ProxyRequest) {
	p.Out.URL = p.In.URL
	p.Out.Host = p.In.URL.Host
	for _, name := range []string{"Cookie", "X-Csrf-Token", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded", "X-Real-Ip", "Proxy-Authorization"} {
		p.Out.Header.Del(name)
	}
	// A gateway wants its own key as a bearer token. Everything else in this header is meant for the dashboard.
	if auth := p.In.Header.Values("Authorization"); len(auth) != 1 || !isBearer(auth[0]) {
		p.Out.Header.Del("Authorization")
	}
}

func isBearer(auth string) bool {
	scheme, _, found := strings.Cut(auth, " ")
	return found && strings.EqualFold(scheme, "Bearer")
}

// framed are the headers that tidy sets.
var framed = []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Cross-Origin-Resource-Policy", "Referrer-Policy"}

// tidy takes out of an answer what would make a browser do something in the dashboard's name: for the browser, answers of gateways come
// from the dashboard. An answer sets no cookies and redirects nobody, and if a browser shows it as a page, the page is in a sandbox.
func tidy(r *http.Response) error {
	for _, name := range []string{"Set-Cookie", "Clear-Site-Data", "Service-Worker-Allowed", "Refresh", "Location", "Strict-Transport-Security",
		"Public-Key-Pins", "Alt-Svc", "Link", "Report-To", "Reporting-Endpoints", "Nel", "Sourcemap"} {
		r.Header.Del(name)
	}
	r.Header.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	r.Header.Set("X-Content-Type-Options", "nosniff")
	r.Header.Set("X-Frame-Options", "DENY")
	r.Header.Set("Cross-Origin-Resource-Policy", "same-origin")
	r.Header.Set("Referrer-Policy", "no-referrer")
	return nil
}

func relayFailed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the visitor is gone
	}
	var op *net.OpError
	text := "the gateway broke off"
	if errors.As(err, &op) && op.Op == "dial" {
		text = "the gateway does not answer"
	}
	w.Header().Set("Retry-After", "2")
	apiFailed(w, http.StatusBadGateway, "bad_gateway", text)
}

// apiFailed answers as the gateways' own API does, in the form of OpenAI's errors.
func apiFailed(w http.ResponseWriter, code int, kind, text string) {
	class := "server_error"
	if code < 500 {
		class = "invalid_request_error"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"message": text, "type": class, "param": nil, "code": kind}}) // the visitor may be gone
}
