package dashboard

import (
	"context"
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
	"golang.org/x/crypto/bcrypt"

	"hermes/internal/dashboard/access"
	"hermes/internal/dashboard/backend"
	"hermes/internal/doctor"
	"hermes/internal/profile"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
)

func TestMain(m *testing.M) {
	// A client that is refused while it sends has half a second to read why, also when the server is closed.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

const password = "pa55word"

// locked has the password as a hash of the least cost: with the race detector one of the usual cost takes seconds.
var locked = access.Options{Host: "0.0.0.0", Port: 1, Username: "ann", Password: hash()}

func hash() string {
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return string(h)
}

// home makes a home with profiles, each with a state file.
func home(t *testing.T, states map[string]string) backend.Options {
	t.Helper()
	store := profile.NewStore(t.TempDir())
	if _, err := provision.Seed(context.Background(), store, profile.Default()); err != nil {
		t.Fatal(err)
	}
	for name, state := range states {
		n, err := profile.NewName(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := provision.Create(t.Context(), store, n, nil, func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(m.Home.StateFile(), []byte(state), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return backend.Options{Store: store, Manager: func() service.Manager { return nil }, Getenv: func(string) string { return "" },
		Doctor: func() (doctor.Options, error) { return doctor.Options{}, errors.New("not here") }}
}

// serve serves a dashboard on a real socket, whose picture of the gateways is kept up to date.
func serve(t *testing.T, c access.Options, f backend.Options) *httptest.Server {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	guard, err := access.New(c, log)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(f, log)
	_, stop := s.watch(t.Context())
	within(t, "the first picture", s.seen)
	srv := httptest.NewServer(guard.Guard(s.handler()))
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

func TestHealthIsOpenAndSaysNothingElse(t *testing.T) {
	srv := serve(t, locked, home(t, nil))
	resp, body := get(t, srv, "/health", nil)
	if resp.StatusCode != http.StatusOK || body != "{\"status\":\"ok\"}\n" || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %q", resp.Status, body)
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
	err = Run(t.Context(), Options{Access: access.Options{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}, Log: slog.New(slog.DiscardHandler)})
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
