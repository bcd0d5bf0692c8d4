package dashboard

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"hermes/internal/profile"
)

// upstream stands in the place of a running gateway: it holds the profile's lock, says that it runs, and answers on its port
// with what it was asked.
func upstream(t *testing.T, h profile.Home) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "hermes", Value: "evil"})
		fmt.Fprintf(w, "%s %s host=%s auth=%s cookie=%s forwarded=%s", r.Method, r.URL.RequestURI(), r.Host, r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("X-Forwarded-For"))
	}))
	t.Cleanup(srv.Close)
	lock, err := h.Files().TryLock(profile.LockName)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Unlock() })
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		h.PIDFile(): fmt.Sprintf(`{"pid":%d}`, os.Getpid()), h.Env(): "API_SERVER_KEY=k\nAPI_SERVER_PORT=" + port + "\n", h.StateFile(): `{"gateway_state":"running"}`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheFrontDoorLeadsToTheProfilesOwnAPIAndNowhereElse(t *testing.T) {
	f := home(t, map[string]string{"coder": `{}`, "down": `{"gateway_state":"running"}`})
	upstream(t, f.Store.Home(mustName(t, "coder")))
	srv := serve(t, locked, f)
	for path, want := range map[string]string{
		"/p/coder/v1/models":       "GET /v1/models host=127.0.0.1:",
		"/p/coder/v1/x?a=b&c=%2F":  "GET /v1/x?a=b&c=%2F host=127.0.0.1:",
		"/p/coder/health":          "GET /health host=127.0.0.1:",
		"/p/coder/ready":           "GET /ready host=127.0.0.1:",
		"/p/coder/":                "no such path",
		"/p/coder/metrics":         "no such path",
		"/p/coder/v1/%2e%2e/x":     "no such path",
		"/p/coder/v1/..%2f..%2fx":  "no such path",
		"/p/coder/v1%2fmodels":     "no such path",
		"/p/coder/%76%31/models":   "no such path",
		"/p/%63oder/v1/models":     "no such path",
		"/p/CODER/v1/models":       "no such path",
		"/p/..%2fcoder/v1/models":  "no such path",
		"/p/nobody/v1/models":      "nobody",
		"/p/down/v1/models":        "gateway 'down' is stopped",
		"/p/default/v1/models":     "gateway 'default' is stopped",
		"/p/coder/v1/a\\..\\b":     "no such path",
		"/p/coder@evil.com/v1/x":   "no such path",
		"/p/coder:80/v1/x":         "no such path",
		"/p/coder%00/v1/x":         "no such path",
		"/p/coder/v1/models/..;/x": "no such path",
	} {
		resp, body := get(t, srv, path, func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer k")
			r.Header.Set("Cookie", "hermes=5ession")
			r.Header.Set("X-Forwarded-For", "1.2.3.4")
			r.Header.Set("X-CSRF-Token", "t0ken")
		})
		if !strings.Contains(body, want) || strings.Contains(body, "5ession") || strings.Contains(body, "1.2.3.4") || len(resp.Cookies()) > 0 {
			t.Errorf("%s: %s %s, want %q", path, resp.Status, body, want)
		}
		if strings.HasPrefix(want, "GET") && !strings.Contains(body, "auth=Bearer k") {
			t.Errorf("%s: the gateway does not see its key: %s", path, body)
		}
	}
	resp, _ := get(t, srv, "/p/down/v1/models", nil)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
}
