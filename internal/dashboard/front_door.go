package dashboard

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hermes/internal/profile"
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
	mux.Handle("/p/{name}/", relay)
}

type relay struct {
	s     *site
	proxy *httputil.ReverseProxy
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
	g, ok := d.s.fleet.Snapshot().Get(n)
	if !ok {
		apiFailed(w, http.StatusNotFound, "not_found", (&profile.NotFoundError{Name: n}).Error())
		return
	}
	// Whoever listens on the port of a gateway that is down must not get its visitors' keys.
	if !g.Up() || !g.Ready || g.Port == 0 {
		w.Header().Set("Retry-After", "2")
		apiFailed(w, http.StatusServiceUnavailable, "not_ready", "gateway '"+n.String()+"' is "+stateWord(g.State))
		return
	}
	host, err := d.host(g.Home)
	if err != nil {
		apiFailed(w, http.StatusServiceUnavailable, "not_ready", err.Error())
		return
	}
	r.URL = &url.URL{Scheme: "http", Host: net.JoinHostPort(host, strconv.Itoa(g.Port)), Path: rest, RawQuery: r.URL.RawQuery}
	d.proxy.ServeHTTP(w, r)
}

// host is where a profile's gateway listens.
func (d *relay) host(h profile.Home) (string, error) {
	c, err := profile.LoadConfig(h)
	if err != nil {
		return "", err
	}
	env, err := profile.LoadEnv(h)
	if err != nil {
		return "", err
	}
	api, err := profile.APISettings(h, c, env, d.s.o.Getenv)
	return dialable(api.Host), err
}

// rewrite passes on what the gateway is to know: not who is logged in here, and nothing that a stranger says of himself.
func rewrite(p *httputil.ProxyRequest) {
	p.Out.URL = p.In.URL
	p.Out.Host = p.In.URL.Host
	for _, name := range []string{"Cookie", "X-Csrf-Token", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-Ip"} {
		p.Out.Header.Del(name)
	}
}

// tidy keeps a gateway from setting what belongs to the dashboard.
func tidy(r *http.Response) error {
	r.Header.Del("Set-Cookie")
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
