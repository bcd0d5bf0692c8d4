package dashboard

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"strings"
	"testing"

	"hermes/internal/profile"
)

// upstream stands in the place of a running gateway: it holds the profile's lock, says that it runs, and answers on its port
// with what it was asked.
func upstream(t *testing.T, h profile.Home) {
	t.Helper()
	standIn(t, h, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "hermes", Value: "evil"})
		for _, name := range []string{"Clear-Site-Data", "Location", "Service-Worker-Allowed", "Refresh"} {
			w.Header().Set(name, "/")
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "%s %s host=%s auth=%s cookie=%s forwarded=%s", r.Method, r.URL.RequestURI(), r.Host, r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("X-Forwarded-For"))
	}))
}

// standIn has a handler answer in the place of a profile's gateway, which seems to run.
func standIn(t *testing.T, h profile.Home, handler http.Handler) {
	t.Helper()
	srv := httptest.NewServer(handler)
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
	for _, n := range []profile.Name{mustName(t, "down"), profile.Default()} {
		if err := os.WriteFile(f.Store.Home(n).Env(), []byte("API_SERVER_KEY=k\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
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
	resp, _ := get(t, srv, "/p/down/v1/models", func(r *http.Request) { r.Header.Set("Authorization", "Bearer k") })
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
}

// TestTheFrontDoorTellsNobodyWhichProfilesThereAre: a request without the key gets the same answer, whatever the name.
func TestTheFrontDoorTellsNobodyWhichProfilesThereAre(t *testing.T) {
	f := home(t, map[string]string{"coder": `{}`, "down": `{"gateway_state":"running"}`})
	upstream(t, f.Store.Home(mustName(t, "coder")))
	srv := serve(t, locked, f)
	for _, key := range []string{"", "Bearer wrong", "Bearer ", "Basic azpr", "bearer\tk", "Bearer k, Bearer k"} {
		answers := map[string]bool{}
		for _, path := range []string{"/p/coder/v1/models", "/p/down/v1/models", "/p/nobody/v1/models", "/p/default/v1/models", "/p/coder/health", "/p/nobody/health"} {
			resp, body := get(t, srv, path, func(r *http.Request) {
				if key != "" {
					r.Header.Set("Authorization", key)
				}
			})
			resp.Header.Del("Date")
			answers[fmt.Sprint(resp.StatusCode, resp.Header, body)] = true
		}
		if len(answers) != 1 {
			t.Errorf("%q: %d answers: %v", key, len(answers), answers)
		}
	}
}

// TestTheFrontDoorPassesNoCredentialsOfTheDashboardOn, and takes out of a gateway's answer what would act for the dashboard.
func TestTheFrontDoorPassesNoCredentialsOfTheDashboardOn(t *testing.T) {
	f := home(t, map[string]string{"coder": `{}`})
	h := f.Store.Home(mustName(t, "coder"))
	upstream(t, h)
	srv := serve(t, locked, f)
	resp, body := get(t, srv, "/p/coder/v1/models", func(r *http.Request) {
		r.Header["Authorization"] = []string{"Bearer k"}
		r.Header.Set("Proxy-Authorization", "Basic YW5uOnBh")
	})
	if resp.StatusCode != 200 || !strings.Contains(body, "auth=Bearer k") {
		t.Fatalf("%s %s", resp.Status, body)
	}
	for name, want := range map[string]string{
		"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
	} {
		if got := resp.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, name := range []string{"Set-Cookie", "Clear-Site-Data", "Location", "Service-Worker-Allowed", "Refresh"} {
		if resp.Header.Get(name) != "" {
			t.Errorf("the gateway sets %s", name)
		}
	}
	out := &httputil.ProxyRequest{In: httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)}
	for auth, want := range map[string]string{"Basic YW5uOnBh": "", "Bearer k": "Bearer k", "bearer k": "bearer k", "Digest x": "", "Bearer": ""} {
		out.In.Header.Set("Authorization", auth)
		out.Out = out.In.Clone(t.Context())
		rewrite(out)
		if got := out.Out.Header.Get("Authorization"); got != want {
			t.Errorf("%q goes on as %q", auth, got)
		}
	}
}

func TestALargeRequestIsRefusedByTheFrontDoorInTheWordsOfTheAPI(t *testing.T) {
	f := home(t, map[string]string{"coder": `{}`})
	upstream(t, f.Store.Home(mustName(t, "coder")))
	srv := serve(t, locked, f)
	for what, body := range map[string]io.Reader{
		"with its length": strings.NewReader(strings.Repeat("x", maxRelayed+1)), "in chunks": io.MultiReader(strings.NewReader(strings.Repeat("x", maxRelayed+1))),
	} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/p/coder/v1/chat/completions", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer k")
		resp, err := (&http.Transport{}).RoundTrip(req)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		data, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(string(data), `"code":"request_too_large"`) || !resp.Close {
			t.Errorf("%s: %s %s closes: %t, %v", what, resp.Status, data, resp.Close, err)
		}
	}
}
