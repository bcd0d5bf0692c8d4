package dashboard

import (
	"bufio"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"

	"hermes/internal/dashboard/backend"
	"hermes/internal/store"
)

// addresses are the attributes that hold an address, with what they hold.
var addresses = regexp.MustCompile(`(?:href|src|action|formaction|hx-get|hx-post|sse-connect)="([^"]*)"`)

// below is a dashboard whose visitors come through a proxy that shows it below base.
func below(t *testing.T, base string, f backend.Options) (srv *httptest.Server, through func(*http.Request)) {
	t.Helper()
	c := locked
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	return serve(t, c, f), func(r *http.Request) {
		r.SetBasicAuth("ann", password)
		r.Header.Set("X-Forwarded-Prefix", base)
	}
}

// TestEveryAddressOfEveryPageIsBelowThePath: pages are followed as far as they lead.
func TestEveryAddressOfEveryPageIsBelowThePath(t *testing.T) {
	f := lively(t)
	for _, base := range []string{"", "/hermes", "/team/hermes"} {
		srv, through := below(t, base, f)
		seen, todo := map[string]bool{}, []string{"/", "/profiles/none", "/profiles/coder/sessions?skip=1", "/profiles/coder/settings", "/profiles/coder/chat?session=s1"}
		first := map[string]bool{}
		for len(todo) > 0 {
			path := todo[0]
			todo = todo[1:]
			if seen[path] {
				continue
			}
			seen[path] = true
			if strings.Contains(path, "/events") {
				continue // TestStreamsSendAddressesBelowThePath
			}
			resp, body := get(t, srv, path, through)
			if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusMethodNotAllowed && path != "/profiles/none" { // a form's address takes POST only
				t.Errorf("%s: %s", path, resp.Status)
			}
			if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
				continue
			}
			for _, m := range addresses.FindAllStringSubmatch(body, -1) {
				address := strings.ReplaceAll(m[1], "&amp;", "&")
				rest, ok := strings.CutPrefix(address, base+"/")
				if address[:1] == "#" {
					continue
				}
				if !ok {
					t.Errorf("%s below %q leads to %s", path, base, address)
					continue
				}
				name, _, _ := strings.Cut(rest, "?")
				name, _, _ = strings.Cut(name, "/")
				first[name] = true
				todo = append(todo, "/"+rest)
			}
		}
		for _, want := range []string{"static", "profiles", "activity", "boot", "doctor", "new", "all", "events"} {
			if !first[want] {
				t.Errorf("below %q no page leads to /%s", base, want)
			}
		}
		if len(seen) < 20 {
			t.Errorf("below %q only %d pages were found", base, len(seen))
		}
	}
}

func TestStreamsSendAddressesBelowThePath(t *testing.T) {
	f := lively(t)
	srv, through := below(t, "/hermes", f)
	// Rows that were made for visitors below one path are not sent to visitors below another: neither whole tables, nor rows that changed
	// since a page was made.
	_, page := get(t, srv, "/", through)
	mark := regexp.MustCompile(`since=([0-9a-z]+)\.[0-9]+\.([0-9a-f]+)`).FindStringSubmatch(page)
	if mark == nil {
		t.Fatalf("no stream:\n%s", page)
	}
	for i, other := range []string{"/hermes", "/other", "", "/hermes", "/other", ""} {
		query := ""
		if i > 2 {
			query = "?since=" + mark[1] + ".0." + mark[2]
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/events"+query, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		through(req)
		req.Header.Set("X-Forwarded-Prefix", other)
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(resp.Body)
		found := false
		for !found && lines.Scan() {
			if strings.Contains(lines.Text(), `id="rows"`) != (query == "") && strings.Contains(lines.Text(), "id=") {
				t.Errorf("%q: that is another kind of event: %s", query, lines.Text())
			}
			for _, m := range addresses.FindAllStringSubmatch(lines.Text(), -1) {
				found = true
				if !strings.HasPrefix(m[1], other+"/profiles/") && !strings.HasPrefix(m[1], other+"/?") && m[1] != other+"/" {
					t.Errorf("below %q: %s", other, m[1])
				}
			}
		}
		resp.Body.Close()
		if !found {
			t.Errorf("below %q: no address came: %v", other, lines.Err())
		}
	}
}

// TestRedirectsStayBelowThePath: also those that the router makes.
func TestRedirectsStayBelowThePath(t *testing.T) {
	srv, through := below(t, "/hermes", home(t, map[string]string{"coder": `{"gateway_state":"stopped"}`}))
	for path, want := range map[string]string{"//activity": "/hermes/activity", "/profiles/../activity": "/hermes/activity", "/p/coder": "/hermes/p/coder/"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		through(req)
		resp, err := srv.Client().Transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Location"); got != want {
			t.Errorf("%s: %s to %q, want %q", path, resp.Status, got, want)
		}
	}
	resp, body := get(t, srv, "/api/v1/openapi.json", through)
	var doc struct{ Servers []struct{ URL string } }
	if err := json.Unmarshal([]byte(body), &doc); err != nil || resp.StatusCode != http.StatusOK || len(doc.Servers) != 1 || doc.Servers[0].URL != "/hermes/" {
		t.Errorf("%s %+v %v", resp.Status, doc, err)
	}
}

// TestAPathOfOneOfOurNamesIsNotTakenOff: it cannot be told from the dashboard's own.
func TestAPathOfOneOfOurNamesIsNotTakenOff(t *testing.T) {
	f := home(t, map[string]string{"coder": `{"gateway_state":"stopped"}`})
	for _, base := range []string{"/profiles", "/profiles/coder", "/activity", "/api", "/static", "/new", "/events", "/metrics", "/boot", "/doctor", "/p", "/all", "/health", "/ready", "/login", "/logout", "/oidc"} {
		srv, through := below(t, base, f)
		for _, path := range []string{"/profiles/coder", "/activity", "/api/v1/version", "/new", "/metrics", "/boot", "/health", "/ready"} {
			resp, body := get(t, srv, path, through)
			if resp.StatusCode != http.StatusOK || path == "/activity" && !strings.Contains(body, "<h1>Activity</h1>") {
				t.Errorf("below %s: %s: %s", base, path, resp.Status)
			}
		}
	}
}

// TestASessionsPageIsFoundWhateverItsName: a proxy that takes a path off decodes what is left of it, and tidies it up.
func TestASessionsPageIsFoundWhateverItsName(t *testing.T) {
	f := home(t, map[string]string{"coder": `{"gateway_state":"stopped"}`})
	db, err := store.Open(t.Context(), f.Store.Home(mustName(t, "coder")).Database())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ids := []string{"user:42/chat.7", "a//b", "..", ".", "a%2Fb", "a?b#c", "&id=x", "delete", `"><script>`}
	for _, id := range ids {
		if err := db.Append(t.Context(), id, store.Message{Role: "user", Content: "this is " + id}); err != nil {
			t.Fatal(err)
		}
	}
	srv := serve(t, locked, f)
	_, list := get(t, srv, "/profiles/coder/sessions", login("ann", password))
	for _, id := range ids {
		found := false
		for _, m := range addresses.FindAllStringSubmatch(list, -1) {
			address, err := url.Parse(strings.ReplaceAll(m[1], "&amp;", "&"))
			if m[1][0] == '#' {
				continue
			}
			if err != nil || address.Path != path.Clean(address.Path) || strings.Contains(address.EscapedPath(), "%") {
				t.Errorf("a proxy may change %s", m[1])
			}
			if address == nil || address.Query().Get("id") != id {
				continue
			}
			found = true
			resp, page := get(t, srv, address.String(), login("ann", password))
			if text := html.EscapeString("this is " + id); resp.StatusCode != http.StatusOK || !strings.Contains(page, text) {
				t.Errorf("%q: %s", id, resp.Status)
			}
		}
		if !found {
			t.Errorf("no link leads to %q", id)
		}
	}
}
