package container_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestValuesFromElsewhere checks values as docker's --env-file, Kubernetes, other images and Windows write them.
func TestValuesFromElsewhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const key = "abcdef-0123456789-abcdef"
	asks := func(t *testing.T, b *box) {
		t.Helper()
		if r := b.http("POST", apiURL+"/v1/chat/completions", chatBody("hello", false), "-H", "Authorization: Bearer "+key); r.Status != 200 {
			t.Errorf("%+v", r)
		}
	}
	t.Run("quotes and a file of Windows", func(t *testing.T) {
		parallel(t)
		env := file("windows.env", "\ufeffAPI_SERVER_KEY=\""+key+"\"\r\nHERMES_DASHBOARD=\"1\"\r\nHERMES_DASHBOARD_BASIC_AUTH_USERNAME='ada'\r\n"+
			"HERMES_DASHBOARD_BASIC_AUTH_PASSWORD=\"lovelace\"\r\nHERMES_HOME=\"/opt/data\"\r\nPUID=\"1026\"\r\nPGID=\"65536\"\r\n")
		b := startGateway(t, options{flags: []string{"--env-file", env}})
		asks(t, b)
		b.waitReady(dashboardSlot)
		if r := b.http("GET", dashboardURL+"/", "", "-user", "ada:lovelace"); r.Status != 200 {
			t.Errorf("the dashboard: %+v", r)
		}
		b.everythingBelongsTo("1026:65536")
		if !strings.Contains(b.file("/opt/data/logs/gateways/default/current"), "msg=ready") {
			t.Error("the log is elsewhere")
		}
	})
	t.Run("services of Kubernetes", func(t *testing.T) {
		parallel(t)
		b := startGateway(t, options{env: append([]string{
			"API_SERVER_PORT=tcp://10.96.0.9:8642", "API_SERVER_SERVICE_HOST=10.96.0.9", "API_SERVER_PORT_8642_TCP=tcp://10.96.0.9:8642",
			"HERMES_DASHBOARD_PORT=tcp://10.96.0.10:9119", "HERMES_DASHBOARD_SERVICE_PORT=9119", "HERMES_PORT=tcp://10.96.0.11:80",
		}, dashboardEnv...)})
		b.waitReady(dashboardSlot)
		if r := b.http("GET", dashboardURL+"/ready", ""); r.Status != 200 {
			t.Errorf("the dashboard: %+v", r)
		}
		if r := b.say("s", "hello"); r.Status != 200 {
			t.Errorf("%+v", r)
		}
	})
	for what, img := range map[string]func(*testing.T) string{"s6": func(*testing.T) string { return "" }, "embedded": withoutS6} {
		t.Run("a secret in a file, a umask, and a switch with a typo, "+what, func(t *testing.T) {
			parallel(t)
			secret := file("key-"+what, key+"\n")
			b := start(t, options{image: img(t), flags: []string{"-v", secret + ":/run/secrets/key:ro"}, env: []string{
				"API_SERVER_KEY_FILE=/run/secrets/key", "UMASK=027", "HERMES_GATEWAY_NO_SUPERVISE=ture", "HERMES_DASHBOARD=on"}}, "gateway", "run")
			eventually(t, soon, "the gateway serves", func() error { return b.exec("10000", "hermes", "gateway", "list").Failed() })
			b.mustExec("10000", "hermes", "gateway", "start")
			asks(t, b)
			for _, want := range []string{`HERMES_GATEWAY_NO_SUPERVISE="ture" switches nothing on`, `HERMES_DASHBOARD="on" switches nothing on`} {
				if !strings.Contains(b.allLogs(), want) {
					t.Errorf("the log does not say: %s", want)
				}
			}
			b.mustExec("10000", "hermes", "profile", "create", "coder", "--start")
			for path, mode := range map[string]string{
				"/opt/data/gateway_state.json": "640", "/opt/data/.env": "600", "/opt/data/profiles/coder/SOUL.md": "640", "/opt/data/profiles/coder": "700",
				"/opt/data/logs/gateways/coder": "750", "/opt/data/logs/gateways/coder/current": "640",
			} {
				if got := b.mustExec("0", "stat", "-c", "%a", path); got != mode {
					t.Errorf("%s has mode %s, want %s", path, got, mode)
				}
			}
			r := b.exec("10000", "hermes", "gateway", "restart")
			if err := r.Failed(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("a wrong umask", func(t *testing.T) {
		parallel(t)
		for _, value := range []string{"0777", "abc", "9", "-1", "0100"} {
			if r := run(t, options{env: []string{"UMASK=" + value}}, "true"); r.Code == 0 || !strings.Contains(r.Stderr, `invalid UMASK="`+value+`": want an octal number from 000 to 077`) {
				t.Errorf("%s: %s", value, r)
			}
		}
	})
}
