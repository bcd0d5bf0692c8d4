package container_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestLifecycleCommandsReturnWhenItIsTrue(t *testing.T) {
	parallel(t)
	b := startIdle(t, options{})
	hermes := func(want int, args ...string) {
		t.Helper()
		if r := b.exec("0", append([]string{"hermes", "gateway"}, args...)...); r.Code != want {
			t.Errorf("want code %d, got: %s", want, r)
		}
	}
	ready := func() life {
		t.Helper()
		s, err := b.svstat(gatewaySlot)
		if err != nil || !s.up || !s.ready || !s.wantedUp {
			t.Errorf("the command returned, but the gateway is %+v, %v", s, err)
		}
		return s.life
	}
	down := func() {
		t.Helper()
		if err := b.isDown(gatewaySlot)(); err != nil {
			t.Errorf("the command returned, but %v", err)
		}
	}

	hermes(0, "start")
	first := ready()
	hermes(0, "start") // a second time changes nothing
	if again := ready(); again != first {
		t.Errorf("start of a running gateway restarted it: %v, %v", first, again)
	}
	hermes(0, "restart")
	if second := ready(); second == first {
		t.Errorf("restart left %v", first)
	}
	if s := b.gatewayState(); s["desired_state"] != "running" {
		t.Errorf("desired_state after start: %v", s)
	}
	hermes(0, "stop")
	down()
	if s := b.gatewayState(); s["desired_state"] != "stopped" || s["gateway_state"] != "stopped" {
		t.Errorf("state after stop: %v", s)
	}
	throughout(t, 3*time.Second, "a stopped gateway stays down", b.isDown(gatewaySlot))
	hermes(0, "stop") // a second time changes nothing
	down()
	hermes(0, "restart") // starts a slot that is down
	ready()
	if err := b.running(); err != nil {
		t.Error(err)
	}
}

func TestUnknownProfileIsNamedNotTraced(t *testing.T) {
	parallel(t)
	b := startIdle(t, options{})
	want := "✗ no such gateway 'typo': register it with `hermes profile create typo` first, or pass an existing profile name via `-p <name>`\n"
	for _, command := range []string{"start", "stop", "restart"} {
		for _, args := range [][]string{{"hermes", "-p", "typo", "gateway", command}, {"hermes", "gateway", command, "-p", "typo"}} {
			if r := b.exec("0", args...); r.Code != 1 || r.Stderr != want || r.Stdout != "" {
				t.Errorf("want code 1 and %q on stderr, got: %s", want, r)
			}
		}
	}
}

func TestStatusAndListSpeakJSON(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	pid := b.waitReady(gatewaySlot).pid
	for _, command := range []string{"status", "list"} {
		out := b.mustExec("0", "hermes", "gateway", command, "--format", "json")
		_ = decode[any](t, out)
		for _, want := range []string{"default", fmt.Sprint(pid), "running"} {
			if !strings.Contains(out, want) {
				t.Errorf("gateway %s --format json does not say %s: %s", command, want, out)
			}
		}
	}
	if text := b.mustExec("0", "hermes", "gateway", "status"); !strings.Contains(text, "s6 (container supervisor)") {
		t.Errorf("gateway status does not name the manager: %s", text)
	}
	_ = decode[any](t, b.mustExec("0", "hermes", "version", "--format", "json"))
	logs := b.mustExec("0", "hermes", "gateway", "logs")
	if len(logs) == 0 {
		t.Error("gateway logs shows nothing")
	}
}

// TestGatewayThatRanComesBackAfterRestart: a gateway that was stopped does not come back, whatever the container's command is.
func TestGatewayThatRanComesBackAfterRestart(t *testing.T) {
	parallel(t)
	b := startIdle(t, options{})
	b.mustExec("0", "hermes", "gateway", "start")
	must(t, "restart", b.name)
	b.waitReady(gatewaySlot)
	b.mustExec("0", "hermes", "gateway", "stop")
	must(t, "restart", b.name)
	eventually(t, soon, "it is registered, and down", b.isDown(gatewaySlot))
	throughout(t, 2*time.Second, "it stays down", b.isDown(gatewaySlot))
}

// TestLogsReachDockerAndTheVolume: every line of a gateway is in docker logs and in its log file.
func TestLogsReachDockerAndTheVolume(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{env: []string{"TZ=XXX-7"}})
	file := strings.TrimSpace(b.file("/opt/data/logs/gateways/default/current"))
	if file == "" {
		t.Fatal("the log on the volume is empty")
	}
	for line := range strings.Lines(file) {
		// In the file, s6-log writes the time, two blanks, and "UTC" before each line.
		stamp, text, ok := strings.Cut(strings.TrimSpace(line), "  UTC ")
		at, err := time.Parse("2006-01-02 15:04:05", stamp)
		if since := time.Since(at); !ok || err != nil || since < -time.Minute || since > time.Hour {
			t.Errorf("no time of now before %q: %v", line, err)
		}
		// Commands show the time in the container's zone; in the file it is in UTC.
		if shown := at.Add(7*time.Hour).Format("2006-01-02 15:04:05.000") + "+07:00  " + text; len(linesWith(b.mustExec("0", "hermes", "gateway", "logs"), shown)) != 1 {
			t.Errorf("`gateway logs` does not show %q", shown)
		}
		if at := `"time":"` + at.Format(time.RFC3339Nano) + `"`; len(linesWith(b.mustExec("0", "hermes", "gateway", "logs", "--format", "json"), at)) != 1 {
			t.Errorf("its JSON does not have %s", at)
		}
		eventually(t, soon, "docker logs has the line too", func() error {
			if !strings.Contains(b.allLogs(), text) {
				return fmt.Errorf("no %q", text)
			}
			return nil
		})
	}
}
