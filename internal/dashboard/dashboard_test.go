package dashboard

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hermes/internal/profile"
	"hermes/internal/service"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "pa55word"

var locked = Config{Host: "0.0.0.0", Port: 1, Username: "ann", Password: password}

func source(views []service.View, broken []profile.Entry, err error) Source {
	return func(context.Context) ([]service.View, []profile.Entry, error) { return views, broken, err }
}

// serve serves a dashboard on a real socket.
func serve(t *testing.T, c Config, s Source) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(Handler(Options{Config: c, Source: s, Log: slog.New(slog.DiscardHandler)}))
	t.Cleanup(func() {
		srv.Client().CloseIdleConnections()
		srv.Close()
	})
	return srv
}

func get(t *testing.T, srv *httptest.Server, path string, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func login(user, pass string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, pass) }
}

func TestNobodySeesAPageWithoutTheCredentials(t *testing.T) {
	asked := false
	srv := serve(t, locked, func(context.Context) ([]service.View, []profile.Entry, error) {
		asked = true
		return nil, nil, nil
	})
	var first string
	for what, change := range map[string]func(*http.Request){
		"none": nil, "wrong password": login("ann", "x"), "wrong user": login("bob", password), "empty": login("", ""),
		"no password": login("ann", ""), "longer": login("ann", password+"x"), "shorter": login("ann", password[1:]),
		"swapped": login(password, "ann"), "not basic": func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+password) },
		"garbage": func(r *http.Request) { r.Header.Set("Authorization", "Basic !!") },
	} {
		resp, body := get(t, srv, "/", change)
		if resp.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: %s", what, resp.Status)
		}
		if first == "" {
			first = body
		}
		if body != first {
			t.Errorf("%s: the answer tells more than another: %q, %q", what, body, first)
		}
	}
	if asked {
		t.Error("the gateways were listed for a stranger")
	}
	if resp, _ := get(t, srv, "/", login("ann", password)); resp.StatusCode != http.StatusOK {
		t.Errorf("the right credentials: %s", resp.Status)
	}
}

func TestHealthIsOpenAndSaysNothingElse(t *testing.T) {
	srv := serve(t, locked, source(nil, nil, errors.New("broken")))
	resp, body := get(t, srv, "/health", nil)
	if resp.StatusCode != http.StatusOK || body != "{\"status\":\"ok\"}\n" || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %q", resp.Status, body)
	}
}

// A page on the web may have a name of its own point to 127.0.0.1 and ask there.
func TestWithoutCredentialsOnlyLoopbackNamesAreAnswered(t *testing.T) {
	srv := serve(t, Config{Host: "127.0.0.1"}, source(nil, nil, nil))
	for host, want := range map[string]int{
		"": 200, "localhost": 200, "localhost:9119": 200, "127.0.0.1:9119": 200, "[::1]:9119": 200, "127.8.8.8": 200,
		"evil.example": 403, "evil.example:9119": 403, "127.0.0.1.evil.example": 403, "localhost.evil.example:9119": 403, "10.0.0.1:9119": 403,
		"[::]:9119": 403, "0.0.0.0:9119": 403,
	} {
		resp, body := get(t, srv, "/", func(r *http.Request) {
			if host != "" {
				r.Host = host
			}
		})
		if resp.StatusCode != want || want == 403 && strings.Contains(body, "<table>") {
			t.Errorf("%q: %s", host, resp.Status)
		}
	}
}

func TestOnlyWhatIsThereCanBeAsked(t *testing.T) {
	srv := serve(t, locked, source(nil, nil, nil))
	for _, path := range []string{"/x", "/index.html", "/health/", "/../etc/passwd", "/.env"} {
		if resp, _ := get(t, srv, path, login("ann", password)); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if resp, _ := get(t, srv, "/", func(r *http.Request) { r.Method = http.MethodPost; r.SetBasicAuth("ann", password) }); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", resp.Status)
	}
}

func TestHostileNamesAndReasonsAreEscaped(t *testing.T) {
	const evil = `<script>alert("x")</script>'&`
	n, err := profile.NewName("coder")
	if err != nil {
		t.Fatal(err)
	}
	views := []service.View{{Profile: n, State: evil, Desired: profile.DesiredState(evil), PID: 7, Uptime: 61, Port: 9653, Memory: 5e6, Reason: evil}}
	srv := serve(t, locked, source(views, []profile.Entry{{Label: evil, Err: errors.New(evil)}}, nil))
	resp, body := get(t, srv, "/", login("ann", password))
	if strings.Contains(body, "<script") || strings.Count(body, "&lt;script&gt;") != 5 {
		t.Errorf("not escaped:\n%s", body)
	}
	for _, cell := range []string{"<td>coder", "<td>7", "<td>1m1s", "<td>9653", "<td>5.0 MB", "<td>cannot be used"} {
		if !strings.Contains(body, cell) {
			t.Errorf("%q is missing in\n%s", cell, body)
		}
	}
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", resp.Header)
	}
}

func TestNoSecretReachesAPage(t *testing.T) {
	broken := errors.New("open /opt/data/.env: API_SERVER_KEY=hk-5ecret")
	srv := serve(t, locked, source(nil, nil, broken))
	for _, change := range []func(*http.Request){nil, login("ann", "x"), login("ann", password)} {
		resp, body := get(t, srv, "/", change)
		if strings.Contains(body, password) || strings.Contains(body, "5ecret") || strings.Contains(body, "/opt/data") {
			t.Errorf("%s: %s", resp.Status, body)
		}
	}
	if resp, body := get(t, srv, "/", login("ann", password)); resp.StatusCode != http.StatusInternalServerError || !strings.Contains(body, "cannot list the gateways") {
		t.Errorf("%s %s", resp.Status, body)
	}
}

func vars(pairs ...string) func(string) string {
	m := map[string]string{}
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		m["HERMES_DASHBOARD_"+name] = value
	}
	return func(name string) string { return m[name] }
}

func TestWithoutCredentialsItListensOnLoopbackOrNotAtAll(t *testing.T) {
	user, pass := "BASIC_AUTH_USERNAME=ann", "BASIC_AUTH_PASSWORD="+password
	for _, host := range []string{"", "localhost", "127.0.0.1", "::1", "127.3.2.1"} {
		if _, err := FromEnv(vars("HOST=" + host)); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
	for _, half := range []string{user, pass} {
		if _, err := FromEnv(vars(half)); err == nil {
			t.Errorf("on loopback %q was taken for no credentials at all", half)
		}
	}
	for _, host := range []string{"0.0.0.0", "::", "10.0.0.1", "example.org", "127.0.0.1.example.org", "*"} {
		for _, some := range [][]string{nil, {user}, {pass}, {user, "BASIC_AUTH_PASSWORD="}} {
			_, err := FromEnv(vars(append(some, "HOST="+host)...))
			var wrong *ConfigError
			if !errors.As(err, &wrong) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), password) ||
				!strings.Contains(err.Error(), host+" without credentials; set HERMES_DASHBOARD_BASIC_AUTH_USERNAME and HERMES_DASHBOARD_BASIC_AUTH_PASSWORD") {
				t.Errorf("%q with %q: %v", host, some, err)
			}
		}
		if c, err := FromEnv(vars(user, pass, "HOST="+host, "PORT=80")); err != nil || c != (Config{host, 80, "ann", password}) {
			t.Errorf("%q with credentials: %+v, %v", host, c, err)
		}
	}
}

func TestAWrongPortIsNamed(t *testing.T) {
	for _, port := range []string{"0", "65536", "x", "-1", "80 "} {
		_, err := FromEnv(vars("PORT=" + port))
		if err == nil || !strings.Contains(err.Error(), "HERMES_DASHBOARD_PORT=\""+port+"\": want a number from 1 to 65535") {
			t.Errorf("%q: %v", port, err)
		}
	}
	if c, err := FromEnv(vars()); err != nil || c.Port != 9119 || c.Host != "127.0.0.1" {
		t.Errorf("defaults: %+v, %v", c, err)
	}
}

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestATakenPortIsReportedWithTheWayOut(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = Run(t.Context(), Options{Config: Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "HERMES_DASHBOARD_PORT") {
		t.Errorf("got %v", err)
	}
}

// within fails the test if nothing comes.
func within[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(15 * time.Second):
		t.Fatalf("%s does not come", what)
	}
	return v
}
