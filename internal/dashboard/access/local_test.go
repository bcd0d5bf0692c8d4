package access

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hermes/internal/volume"
)

const localKey = "LOCALKEY0123456789ABCDEF"

// open is a dashboard of one's own machine, without credentials.
func open() Options { return Options{Host: "127.0.0.1", LocalKey: localKey} }

// byLink logs in with a link.
func (s *site) byLink() *http.Cookie {
	s.t.Helper()
	resp, body := s.do("GET", Link(localKey, s.clock), "")
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" || len(resp.Cookies()) != 1 {
		s.t.Fatalf("%s %v %s", resp.Status, resp.Header, body)
	}
	return resp.Cookies()[0]
}

// TestLoopbackIsNotAPerson: whoever else uses the machine gets nothing without the home's key.
func TestLoopbackIsNotAPerson(t *testing.T) {
	s := serve(t, open())
	for _, path := range []string{"/", "/api/v1/profiles", "/metrics", "/events", "/?token=", "/?token=x.y.z", "/?token=" + localKey} {
		if resp, _ := s.do("GET", path, ""); resp.StatusCode != 401 {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	for _, auth := range []string{"Bearer x", "Bearer ", "Basic " + localKey, localKey} {
		s.access.limiter = newLimiter(time.Now)
		if resp, _ := s.do("GET", "/", "", header("Authorization", auth)); resp.StatusCode != 401 {
			t.Errorf("%q: %s", auth, resp.Status)
		}
	}
	if s.passed > 0 {
		t.Errorf("%d requests got through", s.passed)
	}
	resp, page := s.do("GET", "/", "", header("Accept", "text/html"))
	if resp.StatusCode != 303 || resp.Header.Get("Location") != "/login?next=%2F" {
		t.Errorf("a browser: %s %s", resp.Status, page)
	}
	if _, page := s.do("GET", "/login", ""); !strings.Contains(page, "hermes dashboard link") || strings.Contains(page, "<form") {
		t.Errorf("the page does not say how to get in:\n%s", page)
	}
	if resp, body := s.do("GET", "/", "", header("Authorization", "Bearer "+localKey)); resp.StatusCode != 200 || !strings.HasPrefix(body, "local|") {
		t.Errorf("the key: %s %s", resp.Status, body)
	}
	// Other users of the machine have the same address. Their wrong attempts do not slow the owner down.
	for range 20 {
		_, _ = s.do("GET", "/", "", header("Authorization", "Bearer x"))
	}
	if resp, _ := s.do("GET", "/", "", header("Authorization", "Bearer "+localKey)); resp.StatusCode != 200 {
		t.Errorf("the key, while somebody guesses: %s", resp.Status)
	}
	if resp, _ := s.do("GET", Link(localKey, s.clock), ""); resp.StatusCode != 303 {
		t.Errorf("a link, while somebody guesses: %s", resp.Status)
	}
	// If there are credentials, the key lets nobody in.
	c := locked()
	c.LocalKey = localKey
	if resp, _ := serve(t, c).do("GET", "/", "", header("Authorization", "Bearer "+localKey)); resp.StatusCode != 401 {
		t.Errorf("beside credentials: %s", resp.Status)
	}
	if resp, _ := serve(t, c).do("GET", Link(localKey, time.Now()), ""); resp.StatusCode != 401 {
		t.Errorf("a link beside credentials: %s", resp.Status)
	}
}

func TestALinkLogsInOnceAndSoon(t *testing.T) {
	c := open()
	c.Home = volume.At(t.TempDir())
	s := serve(t, c)
	link := Link(localKey, s.clock)
	resp, _ := s.do("GET", link, "")
	if resp.StatusCode != 303 || len(resp.Cookies()) != 1 {
		t.Fatal(resp.Status)
	}
	session := resp.Cookies()[0]
	if resp, body := s.do("GET", "/", "", cookie(session)); resp.StatusCode != 200 || !strings.HasPrefix(body, "local|") {
		t.Errorf("%s %s", resp.Status, body)
	}
	if resp, body := s.do("GET", link, ""); resp.StatusCode != 401 || !strings.Contains(body, "has been used") {
		t.Errorf("once more: %s", resp.Status)
	}
	next := serve(t, c)
	if resp, _ := next.do("GET", link, ""); resp.StatusCode != 401 {
		t.Errorf("once more, after a restart: %s", resp.Status)
	}
	if resp, _ := next.do("GET", "/", "", cookie(session)); resp.StatusCode != 200 {
		t.Errorf("the session after a restart: %s", resp.Status)
	}
	old := Link(localKey, s.clock.Add(-linkGood-time.Second))
	if resp, _ := s.do("GET", old, ""); resp.StatusCode != 401 {
		t.Errorf("an old link: %s", resp.Status)
	}
	if resp, _ := s.do("GET", strings.Replace(Link(localKey, s.clock), ".", ".z", 1), ""); resp.StatusCode != 401 {
		t.Errorf("a link with another end: %s", resp.Status)
	}
	other := open()
	other.LocalKey = "ANOTHERKEY0123456789"
	if resp, _ := serve(t, other).do("GET", "/", "", cookie(session)); resp.StatusCode != 401 {
		t.Errorf("after the key was changed: %s", resp.Status)
	}
	if strings.Contains(s.log.String(), localKey) || strings.Contains(s.log.String(), "token=") {
		t.Errorf("the log: %s", s.log)
	}
}

func TestTheKeyIsTheHomesOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	home := volume.At(dir)
	key, err := Key(t.Context(), home)
	if err != nil || len(key) < 40 {
		t.Fatal(key, err)
	}
	if again, err := Key(t.Context(), home); err != nil || again != key {
		t.Errorf("%q, then %q, %v", key, again, err)
	}
	path := filepath.Join(dir, keyName)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if other, err := Key(t.Context(), home); err != nil || other == key {
		t.Errorf("a key that others could read is used on, %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", path); err != nil {
		t.Fatal(err)
	}
	if _, err := Key(t.Context(), home); err == nil {
		t.Error("a link was followed")
	}
}

func FuzzLinkToken(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	f.Add(newLinkToken(localKey, now))
	f.Add("a.b.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		id, until, ok := readLinkToken(localKey, token, now)
		if body := id + "." + strings.Split(token+"..", ".")[1]; ok && (!now.Before(until) || token != body+"."+linkMAC(localKey, body)) {
			t.Errorf("%q passes: %q until %s", token, id, until)
		}
	})
}

func FuzzSessionCookie(f *testing.F) {
	a, err := newSessions(Options{Username: "ann", Password: password, Secret: "0123456789abcdef"}, time.Now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("AAAA")
	f.Add(strings.Repeat("A", 200))
	f.Fuzz(func(t *testing.T, value string) {
		r := &http.Request{Header: http.Header{"Cookie": {"hermes=" + value}}}
		if s, ok := a.read(r, place{}); ok {
			t.Errorf("%q is a session: %+v", value, s)
		}
	})
}
