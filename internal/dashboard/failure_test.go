package dashboard

import (
	"context"
	"strings"
	"testing"
	"time"

	"hermes/internal/service"
)

// failing is a manager whose gateways run again after a failure.
type failing struct {
	service.Manager // for the methods that nothing calls here
	died            service.Death
}

func (failing) Kind() service.Kind         { return service.KindS6 }
func (failing) SupportsRegistration() bool { return true }

func (m failing) Status(_ context.Context, id service.ID) (service.Status, error) {
	return service.Status{ID: id, Up: true, Ready: true, WantUp: true, PID: 1 << 30, ExitCode: -1, Restarts: 1, LastFailure: m.died}, nil
}

func (m failing) List(ctx context.Context) ([]service.Status, error) {
	var all []service.Status
	for _, name := range []string{"gateway-coder", "gateway-default"} {
		id, _ := service.ParseID(name)
		st, _ := m.Status(ctx, id)
		all = append(all, st)
	}
	return all, nil
}

func TestHowAGatewayFailedIsShownThoughItRunsAgain(t *testing.T) {
	f := home(t, map[string]string{"coder": `{"gateway_state":"running","desired_state":"running"}`})
	m := failing{died: service.Death{Time: time.Date(2026, 11, 29, 20, 10, 3, 0, time.UTC), ExitCode: -1, Signal: "SIGKILL", OutOfMemory: true}}
	f.Manager = func() service.Manager { return m }
	srv := serve(t, locked, f)
	for path, want := range map[string]string{
		"/":                      ">killed by SIGKILL, out of memory<",
		"/profiles/coder":        "<dt>Last failure</dt><dd>killed by SIGKILL, out of memory, at 2026-11-29 20:10:03 UTC</dd>",
		"/api/v1/profiles/coder": `"last_failure":{"time":"2026-11-29T20:10:03Z","exit_code":-1,"signal":"SIGKILL","out_of_memory":true}`,
	} {
		if resp, body := get(t, srv, path, login("ann", password)); resp.StatusCode != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %s, no %s in\n%s", path, resp.Status, want, body)
		}
	}
}
