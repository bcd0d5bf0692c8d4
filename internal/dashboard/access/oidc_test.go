package access

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
)

// authority is an issuer on loopback: go-oidc's own for discovery and keys, and the two addresses that it lacks.
type authority struct {
	url    string
	key    *rsa.PrivateKey
	mu     sync.Mutex
	claims map[string]any // of the next ID token
	nonce  string
	sum    string // PKCE
	change func(claims map[string]any)
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, claims: map[string]any{"sub": "ann-1", "email": "Ann@example.org", "email_verified": true}}
	inner := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "k", Algorithm: oidc.RS256}}}
	mux := http.NewServeMux()
	mux.Handle("/", inner)
	mux.HandleFunc("/token", a.token)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	a.url = srv.URL
	inner.SetIssuer(srv.URL)
	return a
}

func (a *authority) token(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if r.FormValue("code") != "c0de" || base64.RawURLEncoding.EncodeToString(sum[:]) != a.sum {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	claims := map[string]any{"iss": a.url, "aud": "hermes", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "nonce": a.nonce}
	for k, v := range a.claims {
		claims[k] = v
	}
	if a.change != nil {
		a.change(claims)
	}
	data, err := json.Marshal(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token":"x","token_type":"Bearer","id_token":%q}`, oidctest.SignIDToken(a.key, "k", oidc.RS256, string(data)))
}

func (a *authority) options() Options {
	c := locked()
	c.Username, c.Password = "", ""
	c.OIDC = OIDC{Issuer: a.url, ClientID: "hermes", ClientSecret: "s", Allowed: []string{"ann@example.org", "robot-7"}, PublicURL: "http://127.0.0.1"}
	return c
}

// flow goes to the issuer and comes back; tamper may change the way back.
func (a *authority) flow(t *testing.T, s *site, tamper func(*url.Values, *http.Request)) (*http.Response, string) {
	t.Helper()
	resp, body := s.do("GET", "/oidc/login?next=/activity", "")
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.StatusCode != 303 || !strings.HasPrefix(to.String(), a.url) {
		t.Fatalf("%s %s %v", resp.Status, body, err)
	}
	q := to.Query()
	if q.Get("redirect_uri") != "http://127.0.0.1/oidc/callback" || q.Get("code_challenge_method") != "S256" || len(q.Get("state")) < 20 {
		t.Errorf("%v", q)
	}
	a.mu.Lock()
	a.nonce, a.sum = q.Get("nonce"), q.Get("code_challenge")
	a.mu.Unlock()
	back := url.Values{"code": {"c0de"}, "state": {q.Get("state")}}
	return s.do("GET", "/oidc/callback?", "", func(r *http.Request) {
		for _, c := range resp.Cookies() {
			r.AddCookie(c)
		}
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		if tamper != nil {
			tamper(&back, r)
		}
		r.URL.RawQuery = back.Encode()
	})
}

func TestTheIssuerVouchesForAVisitor(t *testing.T) {
	a := newAuthority(t)
	s := serve(t, a.options())
	if resp, page := s.do("GET", "/login", ""); resp.StatusCode != 200 || !strings.Contains(page, "Log in with 127.0.0.1") || strings.Contains(page, "password") {
		t.Errorf("%s %s", resp.Status, page)
	}
	resp, body := a.flow(t, s, nil)
	if resp.StatusCode != 303 || resp.Header.Get("Location") != "/activity" {
		t.Fatalf("%s %s\n%s", resp.Status, body, s.log)
	}
	for _, c := range resp.Cookies() {
		if c.Name == "hermes" {
			if _, page := s.do("GET", "/", "", cookie(c)); !strings.HasPrefix(page, "ann@example.org|") {
				t.Errorf("%s", page)
			}
		}
	}
	if resp, _ := s.do("GET", "/", "", basic("", "")); resp.StatusCode != 401 {
		t.Errorf("an empty password: %s", resp.Status)
	}
}

func TestWhomTheIssuerDoesNotVouchForStaysOut(t *testing.T) {
	a := newAuthority(t)
	s := serve(t, a.options())
	claim := func(k string, v any) func(map[string]any) {
		return func(c map[string]any) { c[k] = v }
	}
	for what, c := range map[string]struct {
		change func(map[string]any)
		tamper func(*url.Values, *http.Request)
	}{
		"another address":        {claim("email", "bob@example.org"), nil},
		"not verified":           {claim("email_verified", false), nil},
		"another's nonce":        {claim("nonce", "x"), nil},
		"another client's token": {claim("aud", "other"), nil},
		"another issuer's token": {claim("iss", "https://evil.example"), nil},
		"an old token":           {claim("exp", time.Now().Add(-time.Hour).Unix()), nil},
		"another state":          {nil, func(v *url.Values, _ *http.Request) { v.Set("state", "x") }},
		"another code":           {nil, func(v *url.Values, _ *http.Request) { v.Set("code", "x") }},
		"no cookie":              {nil, func(_ *url.Values, r *http.Request) { r.Header.Del("Cookie") }},
		"another's cookie":       {nil, func(_ *url.Values, r *http.Request) { r.Header.Set("Cookie", flowCookie+"=AAAA") }},
		"refused":                {nil, func(v *url.Values, _ *http.Request) { v.Set("error", "access_denied") }},
	} {
		s.access.limiter = newLimiter(time.Now)
		a.mu.Lock()
		a.change = c.change
		a.mu.Unlock()
		resp, body := a.flow(t, s, c.tamper)
		if resp.StatusCode != 403 || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%s: %s %s", what, resp.Status, body)
		}
		for _, k := range resp.Cookies() {
			if k.Name == "hermes" {
				t.Errorf("%s: a session", what)
			}
		}
	}
	a.mu.Lock()
	a.change = func(c map[string]any) { c["sub"], c["email"] = "robot-7", "x@example.org" }
	a.mu.Unlock()
	if resp, _ := a.flow(t, s, nil); resp.StatusCode != 303 {
		t.Errorf("a subject that is allowed: %s", resp.Status)
	}
}

func TestTheDashboardStartsWhileTheIssuerIsAway(t *testing.T) {
	a := newAuthority(t)
	c := a.options()
	c.OIDC.Issuer = "http://127.0.0.1:1"
	s := serve(t, c)
	if resp, body := s.do("GET", "/oidc/login", ""); resp.StatusCode != 502 || !strings.Contains(body, "does not answer") {
		t.Errorf("%s %s", resp.Status, body)
	}
}

func TestAnIssuerNeedsItsVariables(t *testing.T) {
	all := []string{"OIDC_ISSUER=https://accounts.example.org", "OIDC_CLIENT_ID=hermes", "OIDC_ALLOWED=ann@example.org", "PUBLIC_URL=https://hermes.example.org", "HOST=0.0.0.0"}
	if _, err := FromEnv(vars(all...)); err != nil {
		t.Error(err)
	}
	for i := range 3 {
		some := append(append([]string{}, all[:i+1]...), all[i+2:]...)
		if _, err := FromEnv(vars(some...)); err == nil {
			t.Errorf("without %s", all[i+1])
		}
	}
	if _, err := FromEnv(vars(append(all, "OIDC_ISSUER=accounts")...)); err == nil {
		t.Error("an issuer that is no address")
	}
}
