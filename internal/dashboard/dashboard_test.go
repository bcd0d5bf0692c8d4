package dashboard

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hermes/internal/doctor"
	"hermes/internal/profile"
	"hermes/internal/service"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "pa55word"

var locked = Config{Host: "0.0.0.0", Port: 1, Username: "ann", Password: password}

// home makes a home with profiles, each with a state file.
func home(t *testing.T, states map[string]string) Fleet {
	t.Helper()
	store := profile.NewStore(t.TempDir())
	if _, err := store.Seed(profile.Default()); err != nil {
		t.Fatal(err)
	}
	for name, state := range states {
		n, err := profile.NewName(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := store.Create(t.Context(), n, nil, func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(m.Home.StateFile(), []byte(state), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Fleet{Store: store, Manager: func() service.Manager { return nil }, Getenv: func(string) string { return "" },
		Doctor: func() (doctor.Options, error) { return doctor.Options{}, errors.New("not here") }}
}

// serve serves a dashboard on a real socket, with a picture that is kept true.
func serve(t *testing.T, c Config, f Fleet) *httptest.Server {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s := newSite(f, func(*http.Request) Visitor { return Visitor{Name: "ann", CSRF: "token"} }, log)
	_, stop := s.watch(t.Context())
	within(t, "the first picture", s.seen)
	srv := httptest.NewServer(handler(Options{Config: c, Fleet: f, Log: log}, s))
	t.Cleanup(func() {
		close(s.closing)
		srv.Client().CloseIdleConnections()
		srv.Close()
		stop()
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
	srv := serve(t, locked, home(t, nil))
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
	if resp, _ := get(t, srv, "/", login("ann", password)); resp.StatusCode != http.StatusOK {
		t.Errorf("the right credentials: %s", resp.Status)
	}
}

func TestHealthIsOpenAndSaysNothingElse(t *testing.T) {
	srv := serve(t, locked, home(t, nil))
	resp, body := get(t, srv, "/health", nil)
	if resp.StatusCode != http.StatusOK || body != "{\"status\":\"ok\"}\n" || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %q", resp.Status, body)
	}
}

// A page on the web may have a name of its own point to 127.0.0.1 and ask there.
func TestWithoutCredentialsOnlyLoopbackNamesAreAnswered(t *testing.T) {
	srv := serve(t, Config{Host: "127.0.0.1"}, home(t, nil))
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
		if resp.StatusCode != want || want == 403 && strings.Contains(body, "<table") {
			t.Errorf("%q: %s", host, resp.Status)
		}
	}
}

func TestOnlyWhatIsThereCanBeAsked(t *testing.T) {
	srv := serve(t, locked, home(t, nil))
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
	const evil = `<script>alert(\"x\")</script>'&`
	f := home(t, map[string]string{"coder": `{"gateway_state":"startup_failed","exit_reason":"` + evil + `\u001b[31m"}`})
	bad := filepath.Join(f.Store.Root(), "profiles", "<script>x")
	if err := os.MkdirAll(bad, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bad, "SOUL.md"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	srv := serve(t, locked, f)
	for _, path := range []string{"/", "/profiles/coder", "/activity"} {
		resp, body := get(t, srv, path, login("ann", password))
		if strings.Contains(body, "<script>") || strings.Contains(body, "\x1b") || !strings.Contains(body, "&lt;script&gt;alert(") || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: not escaped:\n%s", path, body)
		}
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
