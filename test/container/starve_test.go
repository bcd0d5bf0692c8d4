package container_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestRequestsThatNeverArriveStopNeitherTheDashboardNorAGateway: thousands of connections wait with half a request each, and other
// clients still get answers.
func TestRequestsThatNeverArriveStopNeitherTheDashboardNorAGateway(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{env: dashboardEnv})
	b.waitReady(dashboardSlot)
	const dashboard, gateway = "127.0.0.1:9119", "127.0.0.1:8642"
	for _, c := range []struct{ what, address, text string }{
		{"a body", dashboard, `POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n`},
		{"a body", gateway, `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n`},
		{"the end of the headers", dashboard, `GET / HTTP/1.1\r\nHost: localhost\r\nX-`},
	} {
		// This is how many connections are opened at a time; the servers' limits are 2000 and 4096.
		b.mustExec("0", "sh", "-c", fmt.Sprintf(`ulimit -n 8192 2>/dev/null; rm -f /tmp/hold; mkfifo /tmp/hold; /testclient starve 4100 %s '%s' </tmp/hold >/tmp/starved &
				exec 9>/tmp/hold; until grep -q opened /tmp/starved; do sleep 0.1; done
				/testclient http http://127.0.0.1:9119/health >/tmp/dashboard; /testclient http http://127.0.0.1:9119/p/default/v1/models >/tmp/door
				/testclient http http://127.0.0.1:8642/health >/tmp/api; exec 9>&-; wait`, c.address, c.text))
		for file, want := range map[string]string{"/tmp/dashboard": `"Status":200`, "/tmp/door": `"Status":401`, "/tmp/api": `"Status":200`} {
			if got := b.file(file); !strings.Contains(strings.ReplaceAll(strings.ToLower(got), " ", ""), strings.ToLower(want)) {
				t.Errorf("while %s never comes at %s: %s: %s", c.what, c.address, file, got)
			}
		}
	}
	if err := b.running(); err != nil {
		t.Error(err)
	}
}
