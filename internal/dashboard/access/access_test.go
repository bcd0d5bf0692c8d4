package access

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"
)

func TestMain(m *testing.M) {
	// A client that is refused while it sends has half a second to read why, also when the server is closed.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

const password = "pa55word"

// site is a dashboard on a real socket, whose pages say who asks.
type site struct {
	t      *testing.T
	url    string
	access *Access
	log    *bytes.Buffer
	clock  time.Time
	passed int // requests that got through
}

func locked() Options {
	return Options{Host: "0.0.0.0", Port: 1, Username: "ann", Password: password, Secret: "0123456789abcdef", MetricsToken: "metrics-0123456789"}
}

func serve(t *testing.T, c Options) *site {
	t.Helper()
	s := &site{t: t, log: &bytes.Buffer{}, clock: time.Now()}
	var err error
	if s.access, err = build(c, slog.New(slog.NewTextHandler(s.log, nil)), bcrypt.MinCost); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return s.clock }
	s.access.now, s.access.limiter.now, s.access.sessions.now = now, now, now
	srv := httptest.NewServer(s.access.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.passed++
		v := VisitorOf(r.Context())
		fmt.Fprintf(w, "%s|%s|%s|%s", v.Name, v.Address, v.CSRF, r.FormValue("x"))
	})))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

// do sends a request and returns the answer. Redirects are not followed.
func (s *site) do(method, path, body string, change ...func(*http.Request)) (*http.Response, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range change {
		c(req)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(data)
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

func basic(user, pass string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, pass) }
}

func cookie(c *http.Cookie) func(*http.Request) { return func(r *http.Request) { r.AddCookie(c) } }

// login returns a session's cookie and the token of its forms.
func (s *site) login() (*http.Cookie, string) {
	s.t.Helper()
	resp, body := s.do("POST", "/login", "username=ann&password="+password)
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		s.t.Fatalf("%s %s", resp.Status, body)
	}
	c := resp.Cookies()[0]
	_, page := s.do("GET", "/", "", cookie(c))
	parts := strings.Split(page, "|")
	if len(parts) != 4 || parts[0] != "ann" || len(parts[2]) != 64 {
		s.t.Fatalf("%q", page)
	}
	s.passed = 0
	return c, parts[2]
}

func TestNobodySeesAPageWithoutTheCredentials(t *testing.T) {
	s := serve(t, locked())
	var first string
	for what, change := range map[string]func(*http.Request){
		"none": func(*http.Request) {}, "wrong password": basic("ann", "x"), "wrong user": basic("bob", password), "empty": basic("", ""),
		"no password": basic("ann", ""), "longer": basic("ann", password+"x"), "shorter": basic("ann", password[1:]),
		"swapped": basic(password, "ann"), "not basic": header("Authorization", "Bearer "+password), "garbage": header("Authorization", "Basic !!"),
		"no session": cookie(&http.Cookie{Name: "hermes", Value: "x"}),
	} {
		s.access.limiter = newLimiter(time.Now)
		resp, body := s.do("GET", "/", "", change)
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
	if s.passed != 0 {
		t.Error("a stranger got through")
	}
	if resp, body := s.do("GET", "/", "", basic("ann", password)); resp.StatusCode != http.StatusOK || !strings.HasPrefix(body, "ann|127.0.0.1|") {
		t.Errorf("the right credentials: %s %s", resp.Status, body)
	}
	if strings.Contains(s.log.String(), password) {
		t.Error("the log has a password")
	}
}

func TestABrowserIsSentToTheLoginAndBack(t *testing.T) {
	s := serve(t, locked())
	resp, _ := s.do("GET", "/profiles/coder?x=1", "", header("Accept", "text/html"))
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/login?next=%2Fprofiles%2Fcoder%3Fx%3D1" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	resp, page := s.do("GET", resp.Header.Get("Location"), "")
	if resp.StatusCode != http.StatusOK || !strings.Contains(page, `name="next" value="/profiles/coder?x=1"`) {
		t.Errorf("%s %s", resp.Status, page)
	}
	resp, _ = s.do("POST", "/login", url.Values{"username": {"ann"}, "password": {password}, "next": {"/profiles/coder?x=1"}}.Encode())
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/profiles/coder?x=1" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	resp, _ = s.do("POST", "/login", url.Values{"username": {"ann"}, "password": {password}, "next": {"//evil.example/"}}.Encode())
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" {
		t.Errorf("a login leads elsewhere: %s %v", resp.Status, resp.Header)
	}
	if resp, _ = s.do("GET", "/x", "", header("HX-Request", "true")); resp.StatusCode != 401 || resp.Header.Get("HX-Redirect") != "/login" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	resp, page = s.do("POST", "/login", "username=%3Cb%3E&password=x")
	if resp.StatusCode != 401 || strings.Contains(page, "<b>") || !strings.Contains(page, "Wrong user name or password") || len(resp.Cookies()) != 0 {
		t.Errorf("%s %s", resp.Status, page)
	}
}

func TestALoginLeadsNowhereElse(t *testing.T) {
	for next, want := range map[string]string{
		"": "/", "/": "/", "/a?b=c": "/a?b=c", "//evil.example": "/", "///evil.example": "/", "/\\evil.example": "/", "\\\\evil.example": "/", "https://evil.example": "/",
		"javascript:alert(1)": "/", "/\t/evil.example": "/", "/%09/x": "/%09/x", "evil": "/", "/%2f/evil.example": "/", "/login?next=/login": "/", " /x": "/", "/a\r\nX: y": "/",
	} {
		if got := local(next); got != want {
			t.Errorf("%q: %q, want %q", next, got, want)
		}
	}
}

func TestASessionLastsAndEnds(t *testing.T) {
	s := serve(t, locked())
	c, token := s.login()
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure || strings.Contains(c.Value, "ann") {
		t.Errorf("%+v", c)
	}
	s.clock = s.clock.Add(11 * time.Hour)
	resp, _ := s.do("GET", "/", "", cookie(c))
	if resp.StatusCode != 200 || len(resp.Cookies()) != 1 {
		t.Fatalf("%s, %d cookies", resp.Status, len(resp.Cookies()))
	}
	renewed := resp.Cookies()[0]
	s.clock = s.clock.Add(11 * time.Hour)
	if resp, _ := s.do("GET", "/", "", cookie(c)); resp.StatusCode != 401 {
		t.Errorf("idle for 22 hours: %s", resp.Status)
	}
	if resp, _ := s.do("GET", "/", "", cookie(renewed)); resp.StatusCode != 200 {
		t.Errorf("renewed: %s", resp.Status)
	}
	if resp, _ := s.do("POST", "/logout", "csrf_token=wrong", cookie(renewed)); resp.StatusCode != 403 {
		t.Errorf("a logout that somebody else sends: %s", resp.Status)
	}
	if resp, _ := s.do("POST", "/logout", "csrf_token="+token, cookie(renewed)); resp.StatusCode != 303 || resp.Cookies()[0].MaxAge >= 0 {
		t.Errorf("logout: %s", resp.Status)
	}
	if resp, _ := s.do("GET", "/", "", cookie(renewed)); resp.StatusCode != 401 {
		t.Errorf("after the logout: %s", resp.Status)
	}
	used, _ := s.login()
	for day := 0.5; day <= 8; day += 0.25 {
		s.clock = s.clock.Add(6 * time.Hour)
		resp, _ := s.do("GET", "/", "", cookie(used))
		if want := day < 7.3; (resp.StatusCode == 200) != want && (day < 6.9 || day > 7.3) {
			t.Fatalf("in use for %.2f days: %s", day, resp.Status)
		}
		if len(resp.Cookies()) == 1 {
			used = resp.Cookies()[0]
		}
	}
}

func TestSessionsSurviveARestartAndNoChangeOfThePassword(t *testing.T) {
	s := serve(t, locked())
	c, _ := s.login()
	if resp, _ := serve(t, locked()).do("GET", "/", "", cookie(c)); resp.StatusCode != 200 {
		t.Errorf("another process with the same secret: %s", resp.Status)
	}
	for what, change := range map[string]func(*Options){
		"password": func(c *Options) { c.Password = "other" }, "user": func(c *Options) { c.Username = "bob" },
		"secret": func(c *Options) { c.Secret = "fedcba9876543210" }, "no secret": func(c *Options) { c.Secret = "" },
	} {
		other := locked()
		change(&other)
		if resp, _ := serve(t, other).do("GET", "/", "", cookie(c)); resp.StatusCode != 401 {
			t.Errorf("another %s: %s", what, resp.Status)
		}
	}
	for i := range c.Value {
		forged := *c
		forged.Value = c.Value[:i] + "A" + c.Value[i+1:]
		if resp, _ := s.do("GET", "/", "", cookie(&forged)); forged.Value != c.Value && resp.StatusCode != 401 && i < len(c.Value)-1 {
			t.Errorf("byte %d changed: %s", i, resp.Status)
		}
		if i > 40 {
			break
		}
	}
}

func TestAFormNeedsItsToken(t *testing.T) {
	s := serve(t, locked())
	c, token := s.login()
	_, others := s.login()
	for what, change := range map[string]struct {
		body   string
		header string
		code   int
	}{
		"none": {"x=1", "", 403}, "empty": {"x=1&csrf_token=", "", 403}, "wrong": {"x=1&csrf_token=" + strings.Repeat("0", 64), "", 403}, "another session's": {"x=1&csrf_token=" + others, "", 403},
		"field": {"x=1&csrf_token=" + token, "", 200}, "header": {"x=1", token, 200}, "wrong header": {"x=1", "x", 403},
	} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			if method != "POST" && change.header == "" && change.code == 200 {
				continue // Go reads a form's fields of POST, PUT and PATCH only
			}
			resp, _ := s.do(method, "/x", change.body, cookie(c), func(r *http.Request) {
				if change.header != "" {
					r.Header.Set("X-CSRF-Token", change.header)
				}
			})
			if resp.StatusCode != change.code {
				t.Errorf("%s %s: %s", what, method, resp.Status)
			}
		}
	}
	if resp, _ := s.do("POST", "/x?csrf_token="+token, "x=1", cookie(c)); resp.StatusCode != 403 {
		t.Errorf("a token in the address: %s", resp.Status)
	}
	if resp, _ := s.do("POST", "/x", "x=1", basic("ann", password)); resp.StatusCode != 200 {
		t.Errorf("a program: %s", resp.Status)
	}
}

func TestWithoutCredentialsThePagesFormsNeedTheirTokenToo(t *testing.T) {
	s := serve(t, open())
	c := s.byLink()
	_, page := s.do("GET", "/", "", cookie(c))
	token := strings.Split(page, "|")[2]
	if !strings.HasPrefix(page, "local|127.0.0.1|") || len(token) != 64 {
		t.Fatal(page)
	}
	if resp, _ := s.do("POST", "/x", "x=1", cookie(c)); resp.StatusCode != 403 {
		t.Errorf("no token: %s", resp.Status)
	}
	if resp, _ := s.do("POST", "/x", "x=1&csrf_token="+token, cookie(c)); resp.StatusCode != 200 {
		t.Errorf("token: %s", resp.Status)
	}
}

// The owner of a site can make the site's name point to this machine. Its pages then ask under that name.
func TestStrangersNamesAreNotAnswered(t *testing.T) {
	names := map[string]int{
		"localhost": 200, "localhost:9119": 200, "127.0.0.1:9119": 200, "[::1]:9119": 200, "127.8.8.8": 200, "evil.example": 421, "evil.example:9119": 421,
		"127.0.0.1.evil.example": 421, "localhost.evil.example:9119": 421, "10.0.0.1:9119": 421, "[::]:9119": 421, "0.0.0.0:9119": 421, "nas": 421,
	}
	s := serve(t, open())
	for name, want := range names {
		if resp, body := s.do("GET", "/", "", host(name), header("Authorization", "Bearer "+localKey)); resp.StatusCode != want || want == 421 && !strings.Contains(body, "loopback") {
			t.Errorf("no credentials, %q: %s %s", name, resp.Status, body)
		}
	}
	c := locked()
	c.AllowedHosts = []string{"hermes.example.org", "*.apps.example"}
	s = serve(t, c)
	for name, want := range map[string]int{
		"localhost": 200, "10.0.0.1:9119": 200, "[fe80::1]:9119": 200, "nas": 200, "nas:9119": 200, "nas.local": 200, "NAS.Lan:80": 200, "x.home.arpa": 200, "hermes.example.org": 200,
		"HERMES.example.org.:443": 200, "a.apps.example": 200, "apps.example": 421, "evilapps.example": 421, "evil.example": 421, "hermes.example.org.evil.example": 421,
		"local.evil.example": 421, "evil-local": 200, "1.2.3.4.5": 421,
	} {
		if resp, body := s.do("GET", "/", "", host(name), basic("ann", password)); resp.StatusCode != want || want == 421 && !strings.Contains(body, "HERMES_DASHBOARD_ALLOWED_HOSTS") {
			t.Errorf("%q: %s %s", name, resp.Status, body)
		}
	}
	for _, path := range []string{"/login", "/p/coder/v1/models", "/health", "/static/app.css"} {
		if resp, _ := s.do("GET", path, "", host("evil.example")); resp.StatusCode != 421 {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}

func TestOtherPagesRequestsAreRefused(t *testing.T) {
	s := serve(t, locked())
	c, token := s.login()
	for what, r := range map[string]struct {
		method string
		set    map[string]string
		code   int
	}{
		"form of another site":      {"POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403},
		"form of a sister site":     {"POST", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		"old browser, other origin": {"POST", map[string]string{"Origin": "https://evil.example"}, 403},
		"null origin":               {"POST", map[string]string{"Origin": "null"}, 403},
		"own form":                  {"POST", map[string]string{"Sec-Fetch-Site": "same-origin"}, 200},
		"script reads":              {"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403},
		"event stream":              {"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Accept": "text/event-stream"}, 403},
		"old browser reads":         {"GET", map[string]string{"Origin": "https://evil.example"}, 403},
		"a link":                    {"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200},
		"typed":                     {"GET", map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, 200},
	} {
		body := ""
		if r.method == "POST" {
			body = "csrf_token=" + token
		}
		resp, _ := s.do(r.method, "/x", body, cookie(c), func(req *http.Request) {
			for name, value := range r.set {
				req.Header.Set(name, value)
			}
		})
		if resp.StatusCode != r.code {
			t.Errorf("%s: %s", what, resp.Status)
		}
	}
	if resp, _ := s.do("POST", "/login", "username=ann&password="+password, header("Origin", "https://evil.example")); resp.StatusCode != 403 {
		t.Errorf("a login that another page sends: %s", resp.Status)
	}
}

func TestGuessingGetsSlow(t *testing.T) {
	s := serve(t, locked())
	guess := func() *http.Response {
		resp, _ := s.do("POST", "/login", "username=ann&password=x")
		return resp
	}
	for i := range 6 {
		if resp := guess(); resp.StatusCode != 401 {
			t.Fatalf("guess %d: %s", i, resp.Status)
		}
	}
	want := time.Second
	for range 12 {
		resp := guess()
		if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != fmt.Sprint(int(want.Seconds())+1) {
			t.Fatalf("%s, Retry-After %s, want %s", resp.Status, resp.Header.Get("Retry-After"), want)
		}
		if resp, _ := s.do("GET", "/", "", basic("ann", password)); resp.StatusCode != 429 {
			t.Fatalf("by the other door: %s", resp.Status)
		}
		s.clock = s.clock.Add(want)
		if resp := guess(); resp.StatusCode != 401 {
			t.Fatalf("after %s: %s", want, resp.Status)
		}
		want = min(2*want, 15*time.Minute)
	}
	other := netip.MustParseAddr("192.0.2.7")
	if s.access.limiter.wait(other) != 0 {
		t.Error("another address has to wait too")
	}
	s.clock = s.clock.Add(want)
	if resp, _ := s.do("POST", "/login", "username=ann&password="+password); resp.StatusCode != 303 {
		t.Errorf("the right password: %s", resp.Status)
	}
	for range 2 {
		if resp := guess(); resp.StatusCode != 401 {
			t.Errorf("after a success the count begins anew: %s", resp.Status)
		}
	}
}

func TestTheMemoryOfFailuresIsBounded(t *testing.T) {
	l := newLimiter(time.Now)
	for i := range 3 * remembered {
		l.failed(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if n := l.known.Len(); n != remembered {
		t.Errorf("%d are remembered", n)
	}
	for range 7 {
		l.failed(netip.MustParseAddr("2001:db8::1"))
	}
	if l.wait(netip.MustParseAddr("2001:db8::ffff")) == 0 || l.wait(netip.MustParseAddr("2001:db8:0:1::1")) != 0 {
		t.Error("a network of IPv6 is not what counts")
	}
}

func TestOnlyTrustedProxiesAreBelieved(t *testing.T) {
	forwarded := func(r *http.Request) {
		r.Header.Set("X-Forwarded-For", "203.0.113.9, 198.51.100.1, 10.1.1.1")
		r.Header.Set("X-Forwarded-Proto", "https")
		r.Header.Set("X-Forwarded-Host", "evil.example")
		r.SetBasicAuth("ann", password)
	}
	s := serve(t, locked())
	resp, body := s.do("GET", "/", "", forwarded)
	if resp.StatusCode != 200 || !strings.HasPrefix(body, "ann|127.0.0.1|") || resp.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("%s %s", resp.Status, body)
	}
	c := locked()
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	s = serve(t, c)
	if resp, _ := s.do("GET", "/", "", forwarded); resp.StatusCode != 421 {
		t.Errorf("the forwarded name is not looked at: %s", resp.Status)
	}
	resp, body = s.do("GET", "/", "", forwarded, func(r *http.Request) { r.Header.Del("X-Forwarded-Host") })
	if resp.StatusCode != 200 || !strings.HasPrefix(body, "ann|198.51.100.1|") || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%s %s", resp.Status, body)
	}
	resp, body = s.do("GET", "/", "", forwarded, func(r *http.Request) {
		r.Header.Del("X-Forwarded-Host")
		r.Header.Set("X-Forwarded-For", "198.51.100.1, nonsense, 10.1.1.1")
	})
	if resp.StatusCode != 200 || !strings.HasPrefix(body, "ann|10.1.1.1|") {
		t.Errorf("%s %s", resp.Status, body)
	}
	resp, _ = s.do("POST", "/login", "username=ann&password="+password, header("X-Forwarded-Proto", "https"))
	if cookies := resp.Cookies(); len(cookies) != 1 || cookies[0].Name != "__Host-hermes" || !cookies[0].Secure {
		t.Errorf("%+v", cookies)
	}
	local := open()
	local.TrustedProxies = c.TrustedProxies
	for _, from := range []string{"203.0.113.9", "203.0.113.9:4711", "[2001:db8::1]:4711", "[2001:db8::1]", "unknown", "_hidden", "nonsense, 127.0.0.1", ""} {
		if resp, _ := serve(t, local).do("GET", "/", "", header("X-Forwarded-For", from), header("Authorization", "Bearer "+localKey)); resp.StatusCode != 403 {
			t.Errorf("without credentials, through a proxy, for %q: %s", from, resp.Status)
		}
	}
	s = serve(t, c)
	for from, want := range map[string]string{"203.0.113.9:4711": "203.0.113.9", "[2001:db8::1]:4711": "2001:db8::1", "[2001:db8::1]": "2001:db8::1", "::ffff:203.0.113.9": "203.0.113.9"} {
		if _, body := s.do("GET", "/", "", header("X-Forwarded-For", from), basic("ann", password)); !strings.HasPrefix(body, "ann|"+want+"|") {
			t.Errorf("%q: %s", from, body)
		}
	}
}

func TestTheTokenForMetricsOpensNothingElse(t *testing.T) {
	s := serve(t, locked())
	bearer := header("Authorization", "Bearer metrics-0123456789")
	if resp, body := s.do("GET", "/metrics", "", bearer); resp.StatusCode != 200 || !strings.HasPrefix(body, "metrics|") {
		t.Errorf("%s %s", resp.Status, body)
	}
	for _, path := range []string{"/", "/metrics/x", "/api/v1/profiles"} {
		if resp, _ := s.do("GET", path, "", bearer); resp.StatusCode != 401 {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if resp, _ := s.do("POST", "/metrics", "x=1", bearer); resp.StatusCode != 401 {
		t.Errorf("POST: %s", resp.Status)
	}
}

func TestALargeBodyIsRefused(t *testing.T) {
	s := serve(t, locked())
	if resp, body := s.do("POST", "/x", strings.Repeat("x", maxBody+1), basic("ann", password)); resp.StatusCode != 413 || !strings.Contains(body, "1024 kB") {
		t.Errorf("%s %s", resp.Status, body)
	}
	if s.passed != 0 {
		t.Error("it got through")
	}
}

func TestAHashIsAsGoodAsThePassword(t *testing.T) {
	c := locked()
	var err error
	if c.Password, err = HashPassword(password); err != nil {
		t.Fatal(err)
	}
	s := serve(t, c)
	if resp, _ := s.do("GET", "/", "", basic("ann", password)); resp.StatusCode != 200 {
		t.Errorf("the password: %s", resp.Status)
	}
	if resp, _ := s.do("GET", "/", "", basic("ann", c.Password)); resp.StatusCode != 401 {
		t.Errorf("the hash itself: %s", resp.Status)
	}
	long := locked()
	long.Password = strings.Repeat("x", 100)
	s = serve(t, long)
	if resp, _ := s.do("GET", "/", "", basic("ann", strings.Repeat("x", 99))); resp.StatusCode != 401 {
		t.Errorf("only the first 72 bytes count: %s", resp.Status)
	}
	if resp, _ := s.do("GET", "/", "", basic("ann", long.Password)); resp.StatusCode != 200 {
		t.Errorf("a long password: %s", resp.Status)
	}
}

// A thousand streams that come back at once, after a restart, must not wait for a thousand hashes.
func TestARightPasswordIsHashedOnceHoweverManySendIt(t *testing.T) {
	k, err := newCredentials(locked(), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	var hashed atomic.Int32
	from, free := netip.MustParseAddr("192.0.2.1"), func() error { hashed.Add(1); return nil }
	var wg sync.WaitGroup
	for range 300 {
		wg.Go(func() {
			if ok, err := k.check(t.Context(), from, "ann", password, free); !ok || err != nil {
				t.Error("refused", err)
			}
		})
	}
	wg.Wait()
	if n := hashed.Load(); n != 1 {
		t.Errorf("hashed %d times", n)
	}
}

func TestEveryAnswerHasItsHeaders(t *testing.T) {
	s := serve(t, locked())
	for _, path := range []string{"/", "/login", "/static/app.css", "/health", "/p/x/v1/models"} {
		resp, _ := s.do("GET", path, "")
		for name, want := range map[string]string{"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"} {
			if !strings.HasPrefix(resp.Header.Get(name), want) {
				t.Errorf("%s: %s is %q", path, name, resp.Header.Get(name))
			}
		}
		if store := resp.Header.Get("Cache-Control"); (store == "no-store") != (path != "/static/app.css") {
			t.Errorf("%s: Cache-Control %q", path, store)
		}
	}
}

func TestWhatAStrangerTypesIsNotInTheLog(t *testing.T) {
	s := serve(t, locked())
	s.do("POST", "/login", url.Values{"username": {"a\nlevel=ERROR\x1b[31m" + strings.Repeat("x", 100)}, "password": {"gue55"}}.Encode())
	if got := s.log.String(); strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") || strings.Contains(got, "xxx") || strings.Contains(got, "gue55") {
		t.Errorf("%q", got)
	}
}

func FuzzLocal(f *testing.F) {
	for _, s := range []string{"/", "//x", "/\\x", "/a?b#c", "https://x", "/%2f%2fx"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := local(next)
		base, err := url.Parse("http://here.example/login")
		if err != nil {
			t.Fatal(err)
		}
		to, err := base.Parse(got)
		if err != nil || to.Host != "here.example" || to.Scheme != "http" || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t") {
			t.Errorf("%q leads to %q", next, got)
		}
	})
}

func FuzzFrom(f *testing.F) {
	f.Add("1.2.3.4, 10.0.0.1", "localhost:1", "https", "/hermes")
	f.Add("::1%eth0,,", "[::", "x", "//x")
	c := locked()
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	a, err := build(c, slog.New(slog.DiscardHandler), bcrypt.MinCost)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, forwarded, name, proto, base string) {
		r := httptest.NewRequestWithContext(context.Background(), "GET", "/", nil)
		r.RemoteAddr = "10.0.0.2:1"
		r.Header = http.Header{"X-Forwarded-For": {forwarded}, "X-Forwarded-Host": {name}, "X-Forwarded-Proto": {proto}, "X-Forwarded-Prefix": {base}}
		p, err := a.from(r)
		if to, perr := url.Parse("http://here.example" + p.base + "/x"); perr != nil || to.Host != "here.example" || err != nil && p.base != "" {
			t.Errorf("%q: %q, %v", base, p.base, err)
		}
		if !p.address.IsValid() || p.address.Zone() != "" {
			t.Errorf("%q: %v", forwarded, p.address)
		}
		a.allowedHost(p.host)
		a.limiter.failed(p.address)
	})
}
