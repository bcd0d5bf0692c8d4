package dashboard

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"hermes/internal/service"
)

// draining is a manager whose gateways take 90 s to end and 20 s to become ready. No clock is involved: it looks at how long it
// is to wait, and answers at once.
type draining struct{ failing }

func (draining) Restart(_ context.Context, id service.ID, wait time.Duration) error {
	if wait < 110*time.Second {
		return &service.NotReadyError{Service: id, Waited: wait}
	}
	return nil
}

// A restart may take as long as the running turns take to finish, and then as long as a start.
func TestARestartWaitsForTheDrain(t *testing.T) {
	f := home(t, map[string]string{"coder": `{"gateway_state":"running","desired_state":"running"}`})
	for _, name := range []string{"coder", "default"} {
		if err := os.WriteFile(f.Store.Home(mustName(t, name)).Config(), []byte("gateway:\n  drain_timeout: 90s\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.Manager = func() service.Manager { return draining{} }
	srv := serve(t, locked, f)
	for path, want := range map[string]string{"/api/v1/profiles/coder/restart": "is ready again", "/api/v1/all/restart": "2 restarted"} {
		resp, body := get(t, srv, path, func(r *http.Request) {
			r.Method = http.MethodPost
			login("ann", password)(r)
		})
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %s, want %q: %s", path, resp.Status, want, body)
		}
	}
}
