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

	"hermes/internal/fleet"
	"hermes/internal/httpguard"
	"hermes/internal/profile"
	"hermes/internal/profile/ports"
)

// frontDoor adds /p/<profile>/v1/..., which leads to the API of that profile's gateway, so that one published port reaches
// all of them. Each asks for its own key; the dashboard's credentials are neither needed nor passed on.
func (s *site) frontDoor(mux *http.ServeMux) {
	relay := &relay{s: s, proxy: &httputil.ReverseProxy{
		Rewrite:        func(p *httputil.ProxyRequest) { rewrite(p) },
		ModifyResponse: tidy,
		FlushInterval:  -1, // answers are streams
		ErrorHandler:   relayFailed,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		Transport: &http.Transport{
			Proxy: nil, DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
			MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, DisableCompression: true,
		},
	}}
	relay.bodies = httpguard.Bodies{Max: maxRelayed, Stall: 10 * time.Second, Within: time.Minute, Together: 128 << 20}
	mux.Handle("/p/{name}/", relay)
}

// maxRelayed is the largest request that a gateway takes, in bytes.
const maxRelayed = 4 << 20

type relay struct {
	s      *site
	proxy  *httputil.ReverseProxy
	bodies httpguard.Bodies
}

// relayed are the paths of a gateway that can be reached, beside those below /v1/.
func relayed(path string) bool {
	return path == "/health" || path == "/ready" || strings.HasPrefix(path, "/v1/")
}

func (d *relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := profile.ParseName(r.PathValue("name"))
	// The path as it was sent, so that nothing in it is read in two ways.
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
	// Whoever listens on the port of a gateway that is down must not get its visitors' keys.
	if !g.Up() || !g.Ready || g.Port == 0 {
		w.Header().Set("Retry-After", "2")
		apiFailed(w, http.StatusServiceUnavailable, "not_ready", "gateway '"+n.String()+"' is "+stateWord(g.State))
		return
	}
	// Whole, before the gateway hears of it: a slow visitor is none of its.
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

// bodyCodes are the words of the gateways' own API.
var bodyCodes = map[int]string{
	http.StatusBadRequest: "invalid_request", http.StatusRequestTimeout: "request_timeout", http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusServiceUnavailable: "busy",
}

// opens tells whether a request has the key of a profile. For one that has not, a profile that is there and one that is
// not are the same.
func (d *relay) opens(n profile.Name, auth []string) (*fleet.Gateway, ports.Endpoint, bool) {
	none := ports.Endpoint{}
	if len(auth) != 1 || !isBearer(auth[0]) {
		return nil, none, false
	}
	g, known := d.s.fleet.Snapshot().Get(n)
	if !known { // the same work, so that the time tells nothing either
		n = profile.Default()
	}
	h := d.s.o.Store.Home(n)
	api, err := ports.EndpointOf(h, d.s.o.Getenv)
	_, key, _ := strings.Cut(auth[0], " ")
	want, got := sha256.Sum256([]byte(api.Key)), sha256.Sum256([]byte(key))
	right := subtle.ConstantTimeCompare(want[:], got[:]) == 1
	return g, api, known && err == nil && right
}

// rewrite passes on what the gateway is to know: not who is logged in here, and nothing that a stranger says of himself.
func rewrite(p *httputil.ProxyRequest) {
	p.Out.URL = p.In.URL
	p.Out.Host = p.In.URL.Host
	for _, name := range []string{"Cookie", "X-Csrf-Token", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded", "X-Real-Ip", "Proxy-Authorization"} {
		p.Out.Header.Del(name)
	}
	// A gateway asks for its own key, as a bearer. What else a visitor says in this place is for the dashboard.
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

// tidy keeps a gateway from acting for the dashboard, whose origin its answers have: it sets nothing there, sends nobody
// elsewhere, and if a browser shows one of its answers as a page, that page is a stranger's.
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
