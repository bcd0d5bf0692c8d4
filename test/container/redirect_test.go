package container_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const gatewaySlot = "gateway-default"

// breadcrumbs returns the lines that say that the gateway now runs supervised.
func breadcrumbs(stderr string) []string {
	var found []string
	for line := range strings.Lines(stderr) {
		if strings.Contains(line, "s6 supervision") && strings.Contains(line, "--no-supervise") &&
			strings.Contains(line, "HERMES_GATEWAY_NO_SUPERVISE") {
			found = append(found, line)
		}
	}
	return found
}

// startGateway runs `docker run -d IMAGE gateway run`. It returns when the gateway is ready and the command has become the process
// that keeps the container up.
func startGateway(t *testing.T, o options, args ...string) *box {
	t.Helper()
	b := start(t, o, append([]string{"gateway", "run"}, args...)...)
	b.waitReady(gatewaySlot)
	eventually(t, soon, "it is redirected", b.isRedirected)
	return b
}

// isRedirected is a condition: the container's command is the process that keeps the container up. That is so shortly after the
// gateway is ready.
func (b *box) isRedirected() error {
	b.t.Helper()
	if n := len(only(b.ps(), process.isHeartbeat)); n != 1 {
		return fmt.Errorf("%d processes keep the container alive", n)
	}
	return nil
}

// startIdle starts a container whose CMD does nothing. Its slots are registered and down.
func startIdle(t *testing.T, o options) *box {
	t.Helper()
	b := start(t, o, "sleep", "infinity")
	eventually(t, soon, "gateway-default is registered", b.isDown(gatewaySlot))
	eventually(t, soon, "the CMD runs", b.isRedirected)
	return b
}

func TestGatewayRunIsSupervised(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})

	_, stderr := b.logs()
	if got := breadcrumbs(stderr); len(got) != 1 {
		t.Errorf("%d breadcrumbs on stderr, want exactly one:\n%s", len(got), stderr)
	}
	processes := b.ps()
	if got := only(processes, process.isHeartbeat); len(got) != 1 || got[0].UID != runtimeUID {
		t.Errorf("heartbeats %v, want exactly one `sleep infinity` of uid %d", got, runtimeUID)
	}
	gateways := only(processes, process.isGateway)
	if len(gateways) != 1 || gateways[0].UID != runtimeUID || gateways[0].GID != runtimeUID {
		t.Fatalf("gateways %v, want exactly one, of uid %d", gateways, runtimeUID)
	}
	if s, err := b.svstat(gatewaySlot); err != nil || s.pid != gateways[0].PID {
		t.Errorf("the slot has %+v, %v, but the gateway is %v", s, err, gateways[0])
	}
	if got := strings.Join(gateways[0].Cmdline, " "); !strings.HasSuffix(got, "hermes gateway run --replace --ready-fd 3") {
		t.Errorf("the gateway's command is %q", got)
	}
	if one := only(processes, func(p process) bool { return p.PID == 1 }); len(one) != 1 || one[0].Comm != "s6-svscan" {
		t.Errorf("PID 1 is %v, want s6-svscan", one)
	}
	for _, p := range processes {
		if p.Comm == "hermes" && p.UID == 0 && !p.isHermes("init") {
			t.Errorf("a gateway's container runs hermes as root: %v", p)
		}
	}
	if b.gatewayState()["gateway_state"] != "running" {
		t.Errorf("state is %v", b.gatewayState())
	}
}

func TestSupervisedGatewayAnswersWithItsKeyOnly(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	url := apiURL + "/v1/chat/completions"
	words := "seventeen quick foxes"
	if r := b.http("POST", url, chatBody(words, false), b.bearer()...); r.Status != 200 || !strings.Contains(r.body(), words) {
		t.Errorf("chat: %+v, want 200 and the words back", r)
	}
	if r := b.http("POST", url, chatBody(words, true), b.bearer()...); r.Status != 200 || !strings.Contains(r.body(), "[DONE]") {
		t.Errorf("streamed chat: %+v, want 200 and events up to [DONE]", r)
	}
	if r := b.http("GET", apiURL+"/v1/models", "", b.bearer()...); r.Status != 200 {
		t.Errorf("models: %+v, want 200", r)
	}
	for _, path := range []string{"/health", "/ready"} {
		if r := b.http("GET", apiURL+path, ""); r.Status != 200 {
			t.Errorf("%s: %+v, want 200", path, r)
		}
	}
	for name, flags := range map[string][]string{
		"no key":        nil,
		"a wrong key":   {"-H", "Authorization: Bearer wrong"},
		"an empty key":  {"-H", "Authorization: Bearer "},
		"a wrong shape": {"-user", "hermes:wrong"},
	} {
		if r := b.http("POST", url, chatBody(words, false), flags...); r.Status != 401 || strings.Contains(r.body(), words) {
			t.Errorf("chat with %s: %+v, want 401", name, r)
		}
	}
	if mode := b.mustExec("0", "stat", "-c", "%a %u:%g", "/opt/data/.env"); mode != "600 10000:10000" {
		t.Errorf(".env is %s, want 600 10000:10000", mode)
	}
	stdout, stderr := b.logs()
	if key := strings.TrimPrefix(b.bearer()[1], "Authorization: Bearer "); strings.Contains(stdout+stderr, key) {
		t.Error("the API key is in the container's log")
	}
}

// TestBareGatewayIsSupervisedToo: `hermes gateway` does the same as `hermes gateway run`.
func TestBareGatewayIsSupervisedToo(t *testing.T) {
	parallel(t)
	b := start(t, options{}, "gateway")
	b.waitReady(gatewaySlot)
	if _, stderr := b.logs(); len(breadcrumbs(stderr)) != 1 {
		t.Errorf("no breadcrumb:\n%s", stderr)
	}
}

// foregroundGateway waits until a gateway that is the container's CMD is ready, and checks that there is no sign of the redirect.
func foregroundGateway(t *testing.T, b *box) process {
	t.Helper()
	eventually(t, soon, "the gateway is ready as the container's command", func() error {
		if err := b.running(); err != nil {
			t.Fatal(err)
		}
		if r := b.http("GET", apiURL+"/ready", ""); r.Status != 200 {
			return fmt.Errorf("%+v", r)
		}
		return nil
	})
	processes := b.ps()
	// PID 1 does not count as a gateway: without a supervisor it starts the gateway, passes signals on to it, and reaps.
	gateways := only(processes, func(p process) bool { return p.isGateway() && p.PID != 1 })
	if len(gateways) != 1 || gateways[0].UID != runtimeUID {
		t.Fatalf("gateways %v, want exactly one, of uid %d", gateways, runtimeUID)
	}
	if got := only(processes, process.isHeartbeat); len(got) != 0 {
		t.Errorf("a heartbeat beside the gateway in the foreground: %v", got)
	}
	if _, stderr := b.logs(); len(breadcrumbs(stderr)) != 0 {
		t.Errorf("a breadcrumb for a gateway in the foreground:\n%s", stderr)
	}
	return gateways[0]
}

func TestNoSuperviseRunsTheGatewayAsTheCommand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		env  []string
		args []string
	}{
		{"flag", nil, []string{"--no-supervise"}},
		{"1", []string{"HERMES_GATEWAY_NO_SUPERVISE=1"}, nil},
		{"true", []string{"HERMES_GATEWAY_NO_SUPERVISE=true"}, nil},
		{"YES", []string{"HERMES_GATEWAY_NO_SUPERVISE=YES"}, nil},
		{"flag beats env 0", []string{"HERMES_GATEWAY_NO_SUPERVISE=0"}, []string{"--no-supervise"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			b := start(t, options{env: c.env}, append([]string{"gateway", "run"}, c.args...)...)
			gateway := foregroundGateway(t, b)
			if err := b.isDown(gatewaySlot)(); err != nil {
				t.Errorf("the slot must be there, and not wanted up: %v", err)
			}
			if parent := only(b.ps(), func(p process) bool { return p.PID == gateway.PPID }); len(parent) != 1 || parent[0].Comm == "s6-supervise" {
				t.Errorf("the gateway's parent is %v", parent)
			}
			// The stop was not planned, so the gateway ends with 128 + SIGTERM, and so does the container.
			b.stop()
			if code := b.wait(); code != 143 {
				t.Errorf("exit code %d after docker stop, want the gateway's, 143", code)
			}
			if s := b.gatewayState()["gateway_state"]; s != "running" {
				t.Errorf("gateway_state is %v after docker stop, want running", s)
			}
		})
	}
}

func TestNoSuperviseMakesTheGatewaysCodeTheContainers(t *testing.T) {
	parallel(t)
	vol := volume(t)
	seed(t, vol, "config.yaml", "api_server:\n  port: many\n")
	r := run(t, options{vol: vol}, "gateway", "run", "--no-supervise")
	if r.Code != 78 {
		t.Errorf("code %d with a wrong config.yaml, want 78", r.Code)
	}
	for _, want := range []string{"config.yaml", "api_server.port", "2"} {
		if !strings.Contains(r.Stderr, want) {
			t.Errorf("stderr does not name %q", want)
		}
	}
	if t.Failed() {
		t.Log(r)
	}
}

func TestOnlyStrictValuesOptOut(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"0", "on", "", "false", " 1", "y"} {
		t.Run(fmt.Sprintf("%q", value), func(t *testing.T) {
			parallel(t)
			b := startGateway(t, options{env: []string{"HERMES_GATEWAY_NO_SUPERVISE=" + value}})
			if _, stderr := b.logs(); len(breadcrumbs(stderr)) != 1 {
				t.Errorf("no breadcrumb:\n%s", stderr)
			}
			if got := only(b.ps(), process.isHeartbeat); len(got) != 1 {
				t.Errorf("heartbeats: %v", got)
			}
		})
	}
}

// TestNoRecursion checks for a while, because a redirect of a redirect would take some time.
func TestNoRecursion(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	old := b.waitReady(gatewaySlot)
	throughout(t, 5*time.Second, "one gateway and one heartbeat", func() error {
		processes := b.ps()
		gateways, heartbeats := only(processes, process.isGateway), only(processes, process.isHeartbeat)
		if len(gateways) != 1 || gateways[0].PID != old.pid || len(heartbeats) != 1 {
			return fmt.Errorf("gateways %v (it was %d), heartbeats %v", gateways, old.pid, heartbeats)
		}
		return nil
	})
	if got := only(b.ps(), process.isGateway)[0].Env; !slices.Contains(got, "HERMES_S6_SUPERVISED_CHILD=1") {
		t.Errorf("the run script does not export the guard: %v", got)
	}
	if n := b.deaths(gatewaySlot); n != 0 {
		t.Errorf("the gateway died %d times", n)
	}
	stdout, stderr := b.logs()
	if n := len(breadcrumbs(stdout)) + len(breadcrumbs(stderr)); n != 1 {
		t.Errorf("%d breadcrumbs, want one", n)
	}
}

// TestGateChild: the recursion guard alone prevents the redirect, whoever sets the variable.
func TestGateChild(t *testing.T) {
	parallel(t)
	b := start(t, options{env: []string{"HERMES_S6_SUPERVISED_CHILD=1"}}, "gateway", "run")
	foregroundGateway(t, b)
	if err := b.isDown(gatewaySlot)(); err != nil {
		t.Errorf("the slot must be there, and not wanted up: %v", err)
	}
}

// TestGateDetection: in a container without s6 as its supervisor the gateway stays in the foreground, although the image is ours.
func TestGateDetection(t *testing.T) {
	parallel(t)
	vol := volume(t)
	if r := run(t, options{vol: vol}, "true"); r.Code != 0 { // this makes the home
		t.Fatal(r)
	}
	b := start(t, options{vol: vol, flags: []string{"--user", "10000:10000", "--entrypoint", "hermes"}}, "gateway", "run")
	if gateway := foregroundGateway(t, b); gateway.PPID != 1 {
		t.Errorf("the gateway is %v, want PID 1 to be its parent", gateway)
	}
	b.stop()
	if code := b.wait(); code != 143 {
		t.Errorf("exit code %d after docker stop, want 143", code)
	}
}
