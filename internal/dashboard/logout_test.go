package dashboard

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// TestALogoutEndsTheStreamsOfTheSession: gateways, logs and the API's, as a browser has them open; those of another session go on.
func TestALogoutEndsTheStreamsOfTheSession(t *testing.T) {
	srv := serve(t, locked, home(t, map[string]string{"coder": `{"gateway_state":"stopped"}`}))
	do := func(method, path string, form url.Values, c *http.Cookie) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if c != nil {
			req.AddCookie(c)
		}
		resp, err := srv.Client().Transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	session := func() *http.Cookie {
		t.Helper()
		resp := do("POST", "/login", url.Values{"username": {"ann"}, "password": {password}}, nil)
		if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
			t.Fatal(resp.Status)
		}
		return resp.Cookies()[0]
	}
	follow := func(path string, c *http.Cookie) <-chan error {
		t.Helper()
		resp := do("GET", path, nil, c)
		b := bufio.NewReader(resp.Body)
		if line, err := b.ReadString('\n'); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %q %v", path, resp.Status, line, err)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, b)
			ended <- err
		}()
		return ended
	}
	mine, others := session(), session()
	kept := follow("/events", others)
	streams := map[string]<-chan error{}
	for _, path := range []string{"/events", "/profiles/coder/events", "/profiles/coder/log/events", "/api/v1/events", "/api/v1/profiles/coder/log/stream"} {
		streams[path] = follow(path, mine)
	}
	page, err := io.ReadAll(do("GET", "/", nil, mine).Body)
	token := regexp.MustCompile(`name="csrf_token" value="([0-9a-f]{64})"`).FindSubmatch(page)
	if err != nil || token == nil {
		t.Fatalf("no form: %v\n%s", err, page)
	}
	if resp := do("POST", "/logout", url.Values{"csrf_token": {string(token[1])}}, mine); resp.StatusCode != http.StatusSeeOther {
		t.Fatal(resp.Status)
	}
	for path, ended := range streams {
		if err := within(t, "the end of "+path, ended); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", path, err)
		}
	}
	select {
	case err := <-kept:
		t.Errorf("another session's stream ended: %v", err)
	default:
	}
	if resp := do("GET", "/events", nil, mine); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("afterwards: %s", resp.Status)
	}
}
