package access

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// behind is a dashboard that believes a proxy on loopback, which is where these tests come from.
func behind(c Options) Options {
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	return c
}

func prefix(values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header[prefixHeader] = values }
}

// TestBelowAPathALoginWorksFromItsFirstRequestToItsLast: whether the proxy takes the path off or not, and whoever names it.
func TestBelowAPathALoginWorksFromItsFirstRequestToItsLast(t *testing.T) {
	public := locked()
	if err := public.public("https://example.org/team/hermes/"); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		options Options
		said    func(*http.Request)
		base    string
	}{
		"the proxy names it":            {behind(locked()), prefix("/hermes"), "/hermes"},
		"with a slash at the end":       {behind(locked()), prefix("/hermes/"), "/hermes"},
		"two proxies":                   {behind(locked()), prefix("/team", "/hermes"), "/team/hermes"},
		"two proxies, one header":       {behind(locked()), prefix("/team, /hermes"), "/team/hermes"},
		"the public address has it":     {public, nil, "/team/hermes"},
		"the proxy knows it better":     {behind(public), prefix("/hermes"), "/hermes"},
		"a stranger's word is not it":   {public, prefix("/evil"), "/team/hermes"},
		"the proxy says that it is not": {behind(public), prefix("/"), ""},
		"a name like one of ours":       {behind(locked()), prefix("/p"), "/p"},
	} {
		for _, kept := range []string{"", c.base} {
			if c.base == "/p" && kept != "" {
				continue // docs/dashboard.md: such a path must be taken off
			}
			s := serve(t, c.options)
			do := func(method, path, body string, change ...func(*http.Request)) (*http.Response, string) {
				if c.said != nil {
					change = append(change, c.said)
				}
				return s.do(method, kept+path, body, change...)
			}
			resp, _ := do("GET", "/profiles/coder?x=1", "", header("Accept", "text/html"))
			if got, want := resp.Header.Get("Location"), c.base+"/login?next=%2Fprofiles%2Fcoder%3Fx%3D1"; resp.StatusCode != 303 || got != want {
				t.Errorf("%s, kept %q: to the login: %s %q, want %q", what, kept, resp.Status, got, want)
			}
			_, page := do("GET", "/login?next=%2Fprofiles%2Fcoder%3Fx%3D1", "")
			for _, want := range []string{`action="` + c.base + `/login"`, `href="` + c.base + `/static/app.css"`, `src="` + c.base + `/static/theme.js"`, `value="/profiles/coder?x=1"`} {
				if !strings.Contains(page, want) {
					t.Errorf("%s, kept %q: the login page has no %s:\n%s", what, kept, want, page)
				}
			}
			resp, _ = do("POST", "/login", url.Values{"username": {"ann"}, "password": {password}, "next": {"/profiles/coder?x=1"}}.Encode())
			if got, want := resp.Header.Get("Location"), c.base+"/profiles/coder?x=1"; resp.StatusCode != 303 || got != want || len(resp.Cookies()) != 1 {
				t.Fatalf("%s, kept %q: after the login: %s %q, want %q", what, kept, resp.Status, got, want)
			}
			session := resp.Cookies()[0]
			if want := c.base; session.Path != want && session.Path != want+"/" {
				t.Errorf("%s: the cookie is for %q, want %q", what, session.Path, want)
			}
			resp, body := do("GET", "/x", "", cookie(session))
			if resp.StatusCode != 200 || !strings.HasPrefix(body, "ann|") {
				t.Errorf("%s, kept %q: the session: %s %s", what, kept, resp.Status, body)
			}
			token := strings.Split(body, "|")[2]
			if resp, _ := do("POST", "/x", "csrf_token="+token, cookie(session), header("Sec-Fetch-Site", "same-origin")); resp.StatusCode != 200 {
				t.Errorf("%s, kept %q: a form: %s", what, kept, resp.Status)
			}
			if resp, _ := do("GET", "/x", "", header("HX-Request", "true")); resp.StatusCode != 401 || resp.Header.Get("HX-Redirect") != c.base+"/login" {
				t.Errorf("%s, kept %q: htmx without a session: %s %q", what, kept, resp.Status, resp.Header.Get("HX-Redirect"))
			}
			resp, _ = do("POST", "/logout", "csrf_token="+token, cookie(session))
			if got := resp.Header.Get("Location"); resp.StatusCode != 303 || got != c.base+"/login" || len(resp.Cookies()) != 1 || resp.Cookies()[0].Path != session.Path {
				t.Errorf("%s, kept %q: the logout: %s %q %v", what, kept, resp.Status, got, resp.Cookies())
			}
		}
	}
}

// TestOnlyTheBaseItselfIsTakenOff: not the beginning of another word, and once.
func TestOnlyTheBaseItselfIsTakenOff(t *testing.T) {
	for path, want := range map[string]string{
		"/hermes": "/", "/hermes/": "/", "/hermes/x": "/x", "/x": "/x", "/": "/", "/hermesx": "/hermesx", "/hermes/hermes/x": "/hermes/x", "/Hermes/x": "/Hermes/x",
		"/x/hermes/y": "/x/hermes/y", "/hermes/a%2Fb": "/a%2Fb", "/hermes%2Fx": "/hermes%2Fx", "/h%65rmes/a%2Fb": "/h%65rmes/a%2Fb", "/hermes//x": "//x",
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://here.example"+path+"?q=1", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		got := below(r, "/hermes")
		if got.URL.EscapedPath() != want || got.URL.RawQuery != "q=1" || At(got.Context(), "/y") != "/hermes/y" {
			t.Errorf("%s: %s, want %s", path, got.URL, want)
		}
		if r.URL.EscapedPath() != path {
			t.Errorf("%s: the request itself was changed: %s", path, r.URL)
		}
	}
}

func TestAPrefixThatCannotBeOneIsRefusedAndNamed(t *testing.T) {
	s := serve(t, behind(locked()))
	for _, bad := range []string{
		"hermes", "//evil.example", "/a//b", "/../x", "/a/..", "/./x", "/%2e%2e/x", "/a%2fb", "https://evil.example", `/"><script>`, "/a b", "/a;Path=/", "/a\\b", "/ä",
		"/a,b", "/hermes,/..", "/" + strings.Repeat("x", maxBase), strings.Repeat("/abcdefghi,", 30),
	} {
		for _, path := range []string{"/", "/login", "/health", "/static/app.css", "/p/coder/v1/models"} {
			resp, body := s.do("GET", path, "", prefix(bad), basic("ann", password))
			if resp.StatusCode != 400 || !strings.Contains(body, prefixHeader) || strings.Contains(body, "<script>") {
				t.Errorf("%q: %s: %s %s", bad, path, resp.Status, body)
			}
		}
	}
	if s.passed != 0 {
		t.Errorf("%d requests got through", s.passed)
	}
	// From somebody who is no trusted proxy it counts for nothing.
	if resp, _ := serve(t, locked()).do("GET", "/", "", prefix("//evil.example"), basic("ann", password)); resp.StatusCode != 200 {
		t.Errorf("a stranger's: %s", resp.Status)
	}
	for _, good := range []string{"", "/", "/a", "/a/b", "/~ann/hermes", "/user/ann@example.org", "/v1.2_x+y:z-"} {
		if resp, _ := s.do("GET", "/", "", prefix(good), basic("ann", password)); resp.StatusCode != 200 {
			t.Errorf("%q: %s", good, resp.Status)
		}
	}
}

// TestDashboardsOfOneOriginKeepTheirSessionsApart: a browser sends the cookies of all paths above a page, the longest first.
func TestDashboardsOfOneOriginKeepTheirSessionsApart(t *testing.T) {
	for _, tls := range []bool{false, true} {
		s := serve(t, behind(locked()))
		proto := func(r *http.Request) {
			if tls {
				r.Header.Set("X-Forwarded-Proto", "https")
			}
		}
		login := func(base string) *http.Cookie {
			t.Helper()
			resp, _ := s.do("POST", "/login", "username=ann&password="+password, prefix(base), proto)
			if len(resp.Cookies()) != 1 {
				t.Fatal(resp.Status)
			}
			c := resp.Cookies()[0]
			if want := (place{tls, base}).cookieName(); c.Name != want || c.Secure != tls || strings.HasPrefix(c.Name, "__Host-") && c.Path != "/" {
				t.Errorf("%+v", c)
			}
			return c
		}
		root, a, b := login(""), login("/a"), login("/b")
		for base, own := range map[string]*http.Cookie{"": root, "/a": a, "/b": b} {
			for _, other := range []*http.Cookie{root, a, b} {
				as := *other
				as.Name = own.Name // somebody who can set a cookie for another path can give it this name
				if resp, _ := s.do("GET", "/", "", prefix(base), proto, cookie(&as)); (resp.StatusCode == 200) != (other == own) {
					t.Errorf("tls %t: below %q the cookie of %q: %s", tls, base, other.Path, resp.Status)
				}
				if resp, _ := s.do("GET", "/", "", prefix(base), proto, cookie(&as), cookie(own)); resp.StatusCode != 200 {
					t.Errorf("tls %t: below %q the cookie of %q hides the right one: %s", tls, base, other.Path, resp.Status)
				}
			}
		}
	}
}

// TestAProxyThatPassesOnAnotherHostNeedsThePublicAddress: without the right Host and without Fetch Metadata, only a form's Origin can be
// checked.
func TestAProxyThatPassesOnAnotherHostNeedsThePublicAddress(t *testing.T) {
	for _, address := range []string{"http://nas.example:8080/hermes", "https://NAS.example:443/hermes", "https://nas.example"} {
		c := locked()
		if err := c.public(address); err != nil {
			t.Fatal(err)
		}
		s := serve(t, c)
		session, token := s.login()
		for origin, want := range map[string]int{c.origin: 200, "https://evil.example": 403, "null": 403, c.origin + ".evil.example": 403, "http://nas.example:81": 403} {
			if resp, body := s.do("POST", "/x", "csrf_token="+token, cookie(session), header("Origin", origin)); resp.StatusCode != want {
				t.Errorf("%s: a form of %s: %s %s", address, origin, resp.Status, body)
			}
			if resp, _ := s.do("GET", "/events", "", cookie(session), header("Origin", origin)); resp.StatusCode != want {
				t.Errorf("%s: a stream for %s: %s", address, origin, resp.Status)
			}
		}
	}
	// Without credentials only loopback is answered, and only its pages are believed.
	c := open()
	if err := c.public("https://nas.example/hermes"); err != nil {
		t.Fatal(err)
	}
	s := serve(t, c)
	if resp, _ := s.do("POST", "/x", "", header("Authorization", "Bearer "+localKey), header("Origin", "https://nas.example")); resp.StatusCode != 403 {
		t.Errorf("%s", resp.Status)
	}
	if got := c.URL(); got != "http://"+c.Address() {
		t.Errorf("a link would lead to %s, where nobody is let in", got)
	}
}

func TestTheIssuerSendsVisitorsBackBelowThePath(t *testing.T) {
	issuer := newAuthority(t)
	c := issuer.options()
	if err := c.public("https://example.org/hermes/"); err != nil {
		t.Fatal(err)
	}
	s := serve(t, c)
	resp, body := s.do("GET", "/oidc/login?next=/activity", "")
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.StatusCode != 303 || to.Query().Get("redirect_uri") != "https://example.org/hermes/oidc/callback" {
		t.Fatalf("%s %s %v", resp.Status, body, resp.Header)
	}
	if cookies := resp.Cookies(); len(cookies) != 1 || cookies[0].Path != "/hermes/oidc/" {
		t.Errorf("%+v", cookies)
	}
	if _, page := s.do("GET", "/login", ""); !strings.Contains(page, `href="/hermes/oidc/login?next=`) {
		t.Errorf("the page does not lead there:\n%s", page)
	}
}

// TestLoopbackMayStandInBrackets, as it does in an address.
func TestLoopbackMayStandInBrackets(t *testing.T) {
	c, err := FromEnv(vars("HOST=[::1]", "ALLOWED_HOSTS=[::1],127.0.0.1,hermes.example.org", "TRUSTED_PROXIES=[::1]"))
	if err != nil || c.Address() != "[::1]:9119" || c.URL() != "http://[::1]:9119" || !c.Trusts(netip.IPv6Loopback()) {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := FromEnv(vars("PUBLIC_URL=http://[::1]:8080/hermes")); err != nil || c.URL() != "http://[::1]:8080/hermes" {
		t.Errorf("%+v, %v", c, err)
	}
	s := serve(t, open())
	for _, name := range []string{"[::1]", "[::1]:9119", "localhost.:9119", "LOCALHOST"} {
		if resp, _ := s.do("GET", "/", "", host(name), header("Authorization", "Bearer "+localKey)); resp.StatusCode != 200 {
			t.Errorf("%q: %s", name, resp.Status)
		}
	}
	for _, name := range []string{"[::]", "[::1", "[::1].evil.example", "[::ffff:10.0.0.1]"} {
		if resp, _ := s.do("GET", "/", "", host(name), header("Authorization", "Bearer "+localKey)); resp.StatusCode == 200 {
			t.Errorf("%q: %s", name, resp.Status)
		}
	}
	for _, host := range []string{"[::]", "[::1", "[localhost]x"} {
		if _, err := FromEnv(vars("HOST=" + host)); err == nil {
			t.Errorf("%q is taken for loopback", host)
		}
	}
}

func FuzzBase(f *testing.F) {
	for _, s := range []string{"/", "/hermes", "//x", "/a/../b", "/%2e", "/a;b", "/\\x", "/a\r\nX: y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		base, err := parseBase(path)
		if err != nil {
			return
		}
		here, err := url.Parse("http://here.example/x/y")
		if err != nil {
			t.Fatal(err)
		}
		to, err := here.Parse(base + "/login")
		if err != nil || to.Host != "here.example" || to.EscapedPath() != base+"/login" {
			t.Errorf("%q leads to %v, %v", path, to, err)
		}
		w := headerWriter{}
		http.SetCookie(w, place{base: base}.cookie("v", 1))
		if c, err := http.ParseSetCookie(http.Header(w).Get("Set-Cookie")); err != nil || base != "" && c.Path != base || c.Name != "hermes" {
			t.Errorf("%q: %+v, %v", path, c, err)
		}
	})
}

// headerWriter is an answer of which only the headers count.
type headerWriter http.Header

func (w headerWriter) Header() http.Header         { return http.Header(w) }
func (w headerWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w headerWriter) WriteHeader(int)             {}
