package container_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestEachProcessGetsItsOwnVariablesOnly: no other process gets the variables of the dashboard, above all its password, or those of
// the default profile. A logger gets almost nothing. All gateways get a provider's key.
func TestEachProcessGetsItsOwnVariablesOnly(t *testing.T) {
	parallel(t)
	env := append([]string{"API_SERVER_KEY=default-5ecret", "PROVIDER_API_KEY=provider-5ecret", "TZ=Europe/Berlin", "HERMES_DASHBOARD_METRICS_TOKEN=metrics-5ecret-long"}, dashboardEnv...)
	vol := fleetVolume(t, fleetOf(1, wantsRunning)...)
	for what, o := range map[string]options{"s6": {vol: vol, env: env}, "embedded": {image: withoutS6(t), env: env}} {
		t.Run(what, func(t *testing.T) {
			b := start(t, o, "gateway", "run")
			if what == "embedded" {
				b.servesUnder(embeddedManager, "10000", "default", never)
				b.mustExec("10000", "hermes", "profile", "create", "p00", "--start")
			}
			has := func(p process, text string) bool { return strings.Contains(strings.Join(p.Env, "\n"), text) }
			kind := func(p process) string {
				switch {
				case p.UID == 0:
					return ""
				case p.isHermes("-p", "p00", "gateway", "run"):
					return "named"
				case p.isHermes("gateway", "run"):
					return "default"
				case p.isHermes("dashboard"):
					return "dashboard"
				case p.isHeartbeat():
					return "heartbeat"
				case strings.HasPrefix(p.Comm, "s6-log"):
					return "logger"
				case strings.HasPrefix(p.Comm, "s6-"):
					return "supervisor"
				}
				return ""
			}
			want := map[string][]string{ // which of the four variables each process may have
				"named": {"provider"}, "default": {"provider", "default"}, "dashboard": {"provider", "default", "password", "metrics"}, "heartbeat": {}, "logger": {}, "supervisor": {"provider"},
			}
			need := []string{"named", "default", "dashboard", "heartbeat"}
			if what == "s6" {
				need = append(need, "logger", "supervisor")
			}
			eventually(t, soon, "all kinds of processes run", func() error {
				seen := map[string]bool{}
				for _, p := range b.ps() {
					k := kind(p)
					if k == "" || len(p.Env) == 0 {
						continue
					}
					seen[k] = true
					for name, text := range map[string]string{
						"provider": "PROVIDER_API_KEY=", "default": "API_SERVER_KEY=default", "password": "HERMES_DASHBOARD_BASIC_AUTH_PASSWORD=", "metrics": "HERMES_DASHBOARD_METRICS_TOKEN=",
					} {
						allowed := false
						for _, w := range want[k] {
							allowed = allowed || w == name
						}
						if has(p, text) && !allowed {
							return fmt.Errorf("%s has %s: %v", k, text, p) // perhaps the process was just about to execute another program
						}
						if !has(p, text) && allowed && k != "supervisor" {
							return fmt.Errorf("%s lacks %s", k, text) // its script may still be running
						}
					}
				}
				for _, k := range need {
					if !seen[k] {
						return fmt.Errorf("no %s yet, seen %v", k, seen)
					}
				}
				return nil
			})
			if r := b.http("GET", dashboardURL+"/", "", "-user", "ada:lovelace"); r.Status != 200 {
				t.Errorf("the dashboard: %+v", r)
			}
			if r := b.http("GET", apiURL+"/v1/models", "", "-H", "Authorization: Bearer default-5ecret"); r.Status != 200 {
				t.Errorf("the default gateway: %+v", r)
			}
		})
	}
}
