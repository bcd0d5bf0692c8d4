package container_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestSessionsAreManagedWhileTheGatewayRuns, by commands of root in docker exec and by the API. The gateway is not disturbed.
func TestSessionsAreManagedWhileTheGatewayRuns(t *testing.T) {
	parallel(t)
	b := startDashboard(t, "coder")
	pid := b.waitReady("gateway-coder")
	call := func(method, path, body string, want int) string {
		t.Helper()
		r := b.http(method, dashboardURL+"/api/v1/profiles/coder"+path, body, "-user", "ada:lovelace", "-H", "Content-Type: application/json")
		if r.Status != want {
			t.Errorf("%s %s: %+v, want %d", method, path, r, want)
		}
		return r.body()
	}
	say := func(session string) {
		t.Helper()
		call("POST", "/chat", fmt.Sprintf(`{"session":%q,"message":"good morning"}`, session), 200)
	}
	for _, s := range []string{"a", "b", "c"} {
		say(s)
	}
	if out := b.mustExec("0", "hermes", "-p", "coder", "sessions", "list", "--format", "json"); strings.Count(out, `"messages":2`) != 3 {
		t.Errorf("%s", out)
	}
	if r := b.exec("0", "hermes", "-p", "coder", "sessions", "delete", "a"); r.Code != 2 || !strings.Contains(r.Stderr, "pass --yes") {
		t.Errorf("without asking: %s", r)
	}
	b.mustExec("0", "hermes", "-p", "coder", "sessions", "delete", "a", "--yes")
	call("DELETE", "/sessions/b", "", 200)
	call("DELETE", "/sessions/b", "", 404)
	if got := call("POST", "/sessions/prune", `{"keep_messages":1,"dry_run":true}`, 200); !strings.Contains(got, `"messages":1`) {
		t.Errorf("%s", got)
	}
	call("POST", "/sessions/prune", `{"keep_messages":1}`, 200)
	say("a")
	out := b.mustExec("0", "hermes", "-p", "coder", "sessions", "list")
	for _, want := range []string{"a        2 ", "c        1 "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if now := b.waitReady("gateway-coder"); now != pid {
		t.Error("the gateway was started anew")
	}
	if strange := b.mustExec("0", "find", "/opt/data/profiles/coder", "!", "-user", "10000"); strange != "" {
		t.Errorf("not the runtime user's: %s", strange)
	}
}
