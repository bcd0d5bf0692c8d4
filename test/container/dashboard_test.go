package container_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	dashboardSlot = "dashboard"
	dashboardURL  = "http://127.0.0.1:9119"
)

var dashboardEnv = []string{
	"HERMES_DASHBOARD=1",
	"HERMES_DASHBOARD_BASIC_AUTH_USERNAME=ada",
	"HERMES_DASHBOARD_BASIC_AUTH_PASSWORD=lovelace",
}

func TestDashboardRunsBesideTheGateway(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{env: dashboardEnv})
	old := b.waitReady(dashboardSlot)

	if r := b.http("GET", dashboardURL+"/health", ""); r.Status != 200 {
		t.Errorf("/health without credentials: %+v, want 200", r)
	}
	for name, flags := range map[string][]string{"none": nil, "a wrong password": {"-user", "ada:wrong"}, "a wrong name": {"-user", "bob:lovelace"}} {
		if r := b.http("GET", dashboardURL+"/", "", flags...); r.Status != 401 || len(r.Header["Www-Authenticate"]) == 0 {
			t.Errorf("the page with credentials %q: %+v, want 401", name, r)
		}
	}
	page := b.http("GET", dashboardURL+"/", "", "-user", "ada:lovelace")
	for _, want := range []string{"default", "running"} {
		if page.Status != 200 || !strings.Contains(page.body(), want) {
			t.Errorf("the page does not say %q: %+v", want, page)
		}
	}
	dashboards := only(b.ps(), func(p process) bool { return p.isHermes("dashboard") })
	if len(dashboards) != 1 || dashboards[0].UID != runtimeUID || dashboards[0].PID != old.pid {
		t.Errorf("dashboards %v, want one, of uid %d, pid %d", dashboards, runtimeUID, old.pid)
	}

	gateway := b.waitReady(gatewaySlot)
	b.kill(old)
	b.waitReplaced(dashboardSlot, old)
	if r := b.http("GET", dashboardURL+"/health", ""); r.Status != 200 {
		t.Errorf("/health after kill -9: %+v", r)
	}
	if err := b.isStill(gatewaySlot, gateway); err != nil {
		t.Errorf("the gateway restarted with the dashboard: %v", err)
	}
	if log := b.allLogs(); strings.Contains(log, "lovelace") {
		t.Error("the password is in the log")
	}

	b.stop()
	if code := b.wait(); code != 0 {
		t.Errorf("docker stop: code %d", code)
	}
}

func TestDashboardTruthfullyShowsAStoppedGateway(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{env: dashboardEnv})
	b.waitReady(dashboardSlot)
	b.mustExec("0", "hermes", "gateway", "stop")
	page := b.http("GET", dashboardURL+"/", "", "-user", "ada:lovelace")
	if page.Status != 200 || !strings.Contains(page.body(), "stopped") && !strings.Contains(page.body(), "down") {
		t.Errorf("the page does not say that the gateway is stopped: %+v", page)
	}
}

func TestDashboardIsUpWhereAskedFor(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"true", "YES"} {
		t.Run(value, func(t *testing.T) {
			parallel(t)
			env := append([]string{"HERMES_DASHBOARD=" + value, "HERMES_DASHBOARD_PORT=9200"}, dashboardEnv[1:]...)
			b := start(t, options{env: env}, "sleep", "infinity")
			b.waitReady(dashboardSlot)
			if r := b.http("GET", "http://127.0.0.1:9200/health", ""); r.Status != 200 {
				t.Errorf("/health on HERMES_DASHBOARD_PORT: %+v", r)
			}
			if err := b.isDown(gatewaySlot)(); err != nil {
				t.Errorf("nobody asked for the gateway: %v", err)
			}
		})
	}
}

func TestDashboardIsDownUnlessAskedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		env  []string
	}{{"unset", nil}, {"0", []string{"HERMES_DASHBOARD=0"}}, {"empty", []string{"HERMES_DASHBOARD="}}, {"on", []string{"HERMES_DASHBOARD=on"}}} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			b := startGateway(t, options{env: append(c.env, dashboardEnv[1:]...)})
			throughout(t, 2*time.Second, "the dashboard's slot is there, and down", b.isDown(dashboardSlot))
			if got := only(b.ps(), func(p process) bool { return p.isHermes("dashboard") }); len(got) != 0 {
				t.Errorf("it runs: %v", got)
			}
		})
	}
}

func TestDashboardWithoutCredentialsStartsOnceAndSaysWhy(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{env: []string{"HERMES_DASHBOARD=1"}})
	eventually(t, soon, "it started and gave up", func() error {
		if n := b.deaths(dashboardSlot); n != 1 {
			return fmt.Errorf("%d deaths", n)
		}
		s, err := b.svstat(dashboardSlot)
		if err == nil && s.up {
			err = fmt.Errorf("%+v", s)
		}
		return err
	})
	throughout(t, 5*time.Second, "exactly one start", func() error {
		if n := b.deaths(dashboardSlot); n != 1 {
			return fmt.Errorf("%d deaths", n)
		}
		if got := only(b.ps(), func(p process) bool { return p.isHermes("dashboard") }); len(got) != 0 {
			return fmt.Errorf("it runs: %v", got)
		}
		return nil
	})
	log := b.allLogs()
	if n := strings.Count(log, "HERMES_DASHBOARD_BASIC_AUTH_USERNAME"); n != 1 {
		t.Errorf("the reason is %d times in docker logs, want once:\n%s", n, log)
	}
	if out := b.mustExec("0", "hermes", "status"); !strings.Contains(out, "down: exit code 78: cannot start the dashboard: it would listen on 0.0.0.0 without credentials") {
		t.Errorf("hermes status does not say why:\n%s", out)
	}
	if err := b.isReady(gatewaySlot)(); err != nil {
		t.Errorf("the gateway suffers: %v", err)
	}
}

// TestDashboardOnLoopbackIsForWhoOwnsTheHome: it needs no configured credentials, and only the home's key lets a visitor in.
func TestDashboardOnLoopbackIsForWhoOwnsTheHome(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{env: []string{"HERMES_DASHBOARD=1", "HERMES_DASHBOARD_HOST=127.0.0.1"}})
	b.waitReady(dashboardSlot)
	for _, path := range []string{"/", "/api/v1/profiles", "/metrics"} {
		if r := b.http("GET", dashboardURL+path, ""); r.Status != 401 {
			t.Errorf("%s: %+v, want 401", path, r)
		}
	}
	link := strings.TrimSpace(b.mustExec("0", "hermes", "dashboard", "link"))
	if r := b.http("GET", link, ""); r.Status != 303 {
		t.Errorf("%s: %+v, want 303", link, r)
	}
	if r := b.http("GET", link, ""); r.Status != 401 {
		t.Errorf("%s again: %+v, want 401", link, r)
	}
	key := strings.TrimSpace(b.mustExec("10000", "cat", "/opt/data/.dashboard_key"))
	if r := b.http("GET", dashboardURL+"/api/v1/profiles", "", "-H", "Authorization: Bearer "+key); r.Status != 200 {
		t.Errorf("the key: %+v", r)
	}
	if r := b.exec("12345", "cat", "/opt/data/.dashboard_key"); r.Code == 0 {
		t.Error("another user reads the key")
	}
	if strings.Contains(b.allLogs(), key) || strings.Contains(b.allLogs(), "token=") {
		t.Error("the logs hold the key, or a link")
	}
}
