package container_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"hermes/test/container/docker"
)

// storm is a number of starts within window that is too many. With a delay that grows from start to start there are fewer; without a
// delay a gateway starts once a second.
const (
	storm  = 6
	window = 10 * time.Second
)

// noStorm watches a container for the window. The container must stay up, and a slot's process must not start too often. It returns
// how often the process died.
func (b *box) noStorm(slot string) int {
	b.t.Helper()
	deaths := 0
	throughout(b.t, window, "no storm of starts", func() error {
		if deaths = b.deaths(slot); deaths >= storm {
			return fmt.Errorf("%d starts", deaths)
		}
		return b.running()
	})
	b.t.Logf("%s: %d deaths in %s", slot, deaths, window)
	return deaths
}

func TestWrongConfigIsReportedOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, content string
		want                []string // all in one line of docker logs
	}{
		{"a text for a number", "config.yaml", "model:\n  provider: echo\napi_server:\n  port: many\n", []string{"/opt/data/config.yaml:4", "api_server.port"}},
		{"an unknown key", "config.yaml", "modle:\n  provider: echo\n", []string{"/opt/data/config.yaml:1", "modle"}},
		{"an unknown provider", "config.yaml", "model:\n  provider: oracle\n", []string{"/opt/data/config.yaml:2", "model.provider"}},
		{"no YAML at all", "config.yaml", "model: [unclosed\n", []string{"/opt/data/config.yaml:"}},
		{"a wrong .env", ".env", "API_SERVER_KEY=abcdefghijklmnop\nthis is no line of .env\n", []string{"/opt/data/.env:2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			vol := volume(t)
			seed(t, vol, c.file, c.content)
			b := start(t, options{vol: vol}, "gateway", "run")
			eventually(t, soon, "the gateway started and gave up", func() error {
				if s, err := b.svstat(gatewaySlot); err != nil || s.up || b.deaths(gatewaySlot) == 0 {
					return fmt.Errorf("%+v, %v", s, err)
				}
				return nil
			})
			if n := b.noStorm(gatewaySlot); n != 1 {
				t.Errorf("%d starts with a configuration that cannot work, want one", n)
			}
			if code := b.mustExec("0", "s6-svstat", "-o", "exitcode", slotPath(gatewaySlot)); code != "78" {
				t.Errorf("the gateway's exit code is %s, want 78", code)
			}
			if s := b.gatewayState(); s["gateway_state"] != "startup_failed" || s["exit_reason"] == nil {
				t.Errorf("state: %v, want startup_failed and a reason", s)
			}
			stdout, _ := b.logs() // the gateway's log; on stderr is only the output of the redirect
			if n := len(linesWith(stdout, c.want...)); n != 1 {
				t.Errorf("%d lines of the gateway's log have %q, want one:\n%s", n, c.want, stdout)
			}
			if r := b.exec("0", "hermes", "gateway", "start"); r.Code != 1 || len(linesWith(r.Stderr, c.want...)) == 0 {
				t.Errorf("`gateway start` does not fail with the reason: %s", r)
			}
		})
	}
}

// linesWith returns the lines that contain all of the words.
func linesWith(text string, words ...string) []string {
	var found []string
lines:
	for line := range strings.Lines(text) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue lines
			}
		}
		found = append(found, line)
	}
	return found
}

func TestRepairedConfigStartsAgain(t *testing.T) {
	parallel(t)
	vol := volume(t)
	seed(t, vol, "config.yaml", "api_server:\n  port: many\n")
	b := start(t, options{vol: vol}, "gateway", "run")
	eventually(t, soon, "the gateway gave up", func() error {
		if s, err := b.svstat(gatewaySlot); err != nil || s.up || b.deaths(gatewaySlot) == 0 {
			return fmt.Errorf("%+v, %v", s, err)
		}
		return nil
	})
	b.mustExec("hermes", "sh", "-c", "echo 'api_server: {port: 8642}' > /opt/data/config.yaml")
	b.mustExec("0", "hermes", "gateway", "start")
	if err := b.isReady(gatewaySlot)(); err != nil {
		t.Errorf("`gateway start` returned with code 0, but %v", err)
	}
}

func TestTakenPortIsReportedAndRetriedWithBackoff(t *testing.T) {
	parallel(t)
	b := startIdle(t, options{})
	b.background("0", docker.TestClientPath, "listen", "127.0.0.1:8642")
	eventually(t, soon, "the port is taken", func() error {
		if got := only(b.ps(), func(p process) bool { return p.Comm == "testclient" }); len(got) != 1 {
			return fmt.Errorf("%v", got)
		}
		return nil
	})
	r := b.exec("0", "hermes", "gateway", "start")
	if r.Code != 1 || !strings.Contains(r.Stderr, "8642") || !strings.Contains(r.Stderr, "✗") {
		t.Errorf("want code 1 and a message that names the port, got: %s", r)
	}
	b.noStorm(gatewaySlot)
	if log := b.allLogs(); len(linesWith(log, "8642", "another program uses it")) == 0 {
		t.Errorf("docker logs does not say that another program uses port 8642:\n%s", log)
	}
	b.mustExec("0", "sh", "-c", "kill $(pidof testclient)")
	b.mustExec("0", "hermes", "gateway", "start")
	if err := b.isReady(gatewaySlot)(); err != nil {
		t.Errorf("`gateway start` returned with code 0 after the port was free, but %v", err)
	}
}

// TestUnwritableVolumeIsReported, and no command says that the gateway is healthy.
func TestUnwritableVolumeIsReported(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		used bool
	}{{"a new volume", false}, {"a volume that was in use", true}} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			vol := volume(t)
			if c.used {
				if r := run(t, options{vol: vol}, "true"); r.Code != 0 {
					t.Fatal(r)
				}
			}
			readOnly := options{flags: []string{"-v", vol + ":/opt/data:ro"}}
			b := start(t, readOnly, "gateway", "run")
			eventually(t, soon, "it is reported", func() error {
				if log := b.allLogs(); len(linesWith(log, "/opt/data", "read-only")) == 0 {
					return fmt.Errorf("log:\n%s", log)
				}
				return nil
			})
			if b.inspect("{{.State.Status}}") == "running" {
				b.noStorm(gatewaySlot)
				if r := b.exec("0", "hermes", "healthcheck"); r.Code == 0 {
					t.Errorf("it is healthy: %s", r)
				}
				if r := b.exec("0", "hermes", "gateway", "start"); r.Code != 1 || len(linesWith(r.Stderr, "/opt/data", "read-only")) == 0 {
					t.Errorf("want code 1 and why, got: %s", r)
				}
			} else if code := b.wait(); code == 0 {
				t.Error("the container ended with 0")
			}
			r := run(t, readOnly, "gateway", "run", "--no-supervise")
			if r.Code != 1 && r.Code != 78 || len(linesWith(r.Stderr, "/opt/data", "read-only")) == 0 {
				t.Errorf("want code 1 or 78 and why, got: %s", r)
			}
		})
	}
}

// TestFullVolumeIsReported: 64 kB have room for the key and the state, but not for the database.
func TestFullVolumeIsReported(t *testing.T) {
	t.Parallel()
	for _, size := range []string{"4k", "64k"} {
		t.Run(size, func(t *testing.T) {
			parallel(t)
			b := start(t, options{flags: []string{"--tmpfs", "/opt/data:size=" + size}}, "gateway", "run")
			eventually(t, soon, "it is reported", func() error {
				if log := b.allLogs(); len(linesWith(log, "no space left on device")) == 0 && len(linesWith(log, "is full")) == 0 {
					return fmt.Errorf("log:\n%s", log)
				}
				return nil
			})
			if b.inspect("{{.State.Status}}") == "running" {
				b.noStorm(gatewaySlot)
				if log := b.allLogs(); len(log) > 20000 {
					t.Errorf("%d bytes of log in %s", len(log), window)
				}
				return
			}
			if code := b.wait(); code == 0 {
				t.Error("the container ended with 0")
			}
			if last := b.lastLine(); !strings.Contains(last, "no space left on device") {
				t.Errorf("the last line is not the reason: %q", last)
			}
		})
	}
}

// TestVolumeThatFillsUpDoesNotKillTheGateway: the gateway refuses a message that it cannot store, and accepts it when there is room
// again.
func TestVolumeThatFillsUpDoesNotKillTheGateway(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{flags: []string{"--tmpfs", "/opt/data:size=4m"}})
	key := ""
	for line := range strings.Lines(b.mustExec("0", "cat", "/opt/data/.env")) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "API_SERVER_KEY="); ok {
			key = value
		}
	}
	say := func(words string) response {
		return b.http("POST", apiURL+"/v1/chat/completions", chatBody(words, false),
			"-H", "Authorization: Bearer "+key, "-H", "X-Hermes-Session: s")
	}
	if r := say("before"); r.Status != 200 {
		t.Fatalf("%+v", r)
	}
	old := b.waitReady(gatewaySlot)
	b.exec("hermes", "sh", "-c", "cat /dev/zero > /opt/data/filler")
	long := strings.Repeat("words that need room ", 3000)
	if r := say(long); r.Status < 500 {
		t.Errorf("a message that cannot be kept: status %d %.300s, want 5xx", r.Status, r.body())
	}
	throughout(t, 3*time.Second, "the gateway lives", func() error {
		s, err := b.svstat(gatewaySlot)
		if err == nil && s.life != old {
			err = fmt.Errorf("%+v, it was %v", s, old)
		}
		return err
	})
	b.mustExec("hermes", "rm", "/opt/data/filler")
	if r := say("after"); r.Status != 200 {
		t.Errorf("with room again: %+v", r)
	}
}

// TestAFullVolumeDoesNotKeepStopFromStopping: the command says what it could not record. When there is room again it is recorded.
func TestAFullVolumeDoesNotKeepStopFromStopping(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{flags: []string{"--tmpfs", "/opt/data:size=8m"}})
	b.waitReady(gatewaySlot)
	b.mustExec("0", "hermes", "profile", "create", "coder", "--start")
	coder := "gateway-coder"
	b.waitReady(coder)
	b.exec("hermes", "sh", "-c", "cat /dev/zero > /opt/data/filler")
	isDown := func(slot string) {
		t.Helper()
		if s, err := b.svstat(slot); err != nil || s.up {
			t.Errorf("%s: %+v, %v", slot, s, err)
		}
	}
	r := b.exec("0", "hermes", "-p", "coder", "gateway", "stop")
	if r.Code != 1 || len(linesWith(r.Stderr, "gateway 'coder' is down", "no space left on device", "hermes -p coder gateway stop")) != 1 {
		t.Errorf("want code 1 and what could not be recorded, got: %s", r)
	}
	isDown(coder)
	b.exec("hermes", "sh", "-c", "cat /dev/zero > /opt/data/rest") // the process that ended has left a little room
	r = b.exec("0", "hermes", "gateway", "stop", "--all")
	if r.Code != 1 || len(linesWith(r.Stdout, "gateway 'default' is down", "no space left on device")) != 1 {
		t.Errorf("want code 1 and what could not be recorded, got: %s", r)
	}
	isDown(gatewaySlot)
	stopped := func() bool {
		return strings.Contains(b.mustExec("0", "cat", "/opt/data/gateway_state.json"), `"desired_state": "stopped"`)
	}
	if stopped() {
		t.Error("the volume took the record")
	}

	b.mustExec("hermes", "rm", "/opt/data/filler", "/opt/data/rest")
	b.mustExec("0", "hermes", "gateway", "stop", "--all")
	if !stopped() {
		t.Error("with room again it is not recorded")
	}
	isDown(gatewaySlot)
}

// TestAFullVolumeWithTheScanDirectoryDoesNotKeepStopFromStopping: without /run, s6 itself writes on the volume.
func TestAFullVolumeWithTheScanDirectoryDoesNotKeepStopFromStopping(t *testing.T) {
	parallel(t)
	b := start(t, options{flags: []string{"--user", "1234:1234", "--read-only", "--tmpfs", "/tmp",
		"--tmpfs", "/opt/data:size=8m,mode=0700,uid=1234,gid=1234"}}, "gateway", "run")
	eventually(t, soon, "it is redirected", b.isRedirected)
	eventually(t, soon, "the gateway serves", func() error {
		// Before the command has handed over, the gateway is not wanted up, which is healthy too.
		if r := b.exec("", "hermes", "healthcheck"); r.Code != 0 || !strings.Contains(r.Stdout, "answers") {
			return fmt.Errorf("%s", r)
		}
		return nil
	})
	b.exec("", "sh", "-c", "cat /dev/zero > /opt/data/filler")
	r := b.exec("", "hermes", "gateway", "stop")
	if r.Code != 1 || len(linesWith(r.Stderr, "gateway 'default' is down", "no space left on device")) != 1 {
		t.Errorf("want code 1 and what could not be recorded, got: %s", r)
	}
	if left := only(b.ps(), func(p process) bool { return p.isHermes("gateway", "run", "--replace") }); len(left) > 0 {
		t.Errorf("it runs: %v", left)
	}
}

func TestForeignLockHolderIsReported(t *testing.T) {
	parallel(t)
	vol := volume(t)
	first := startGateway(t, options{vol: vol})
	old := first.waitReady(gatewaySlot)
	second := start(t, options{vol: vol}, "gateway", "run")
	eventually(t, soon, "the second container says who holds the home", func() error {
		log := second.allLogs()
		for line := range strings.Lines(log) {
			if l := strings.ToLower(line); strings.Contains(l, "/opt/data") && (strings.Contains(l, "another") || strings.Contains(l, "lock") || strings.Contains(l, "already")) {
				return nil
			}
		}
		return fmt.Errorf("log:\n%s", log)
	})
	if second.inspect("{{.State.Status}}") == "running" {
		throughout(t, window, "only one container's gateway runs", func() error {
			s, err := second.svstat(gatewaySlot)
			if err == nil && s.ready {
				err = fmt.Errorf("the second one is %+v", s)
			}
			if n := second.deaths(gatewaySlot); n >= storm {
				err = fmt.Errorf("%d starts", n)
			}
			return err
		})
	}
	if err := first.isStill(gatewaySlot, old); err != nil {
		t.Errorf("the first one suffers: %v", err)
	}
	if r := first.say("s", "hello"); r.Status != 200 {
		t.Errorf("the first one: %+v", r)
	}
	// The boot of the second container took the first one's pid and state files for stale ones.
	if s := first.gatewayState(); s["gateway_state"] != "running" {
		t.Errorf("the first one's state: %v", s)
	}
}

func TestSecondGatewayOfAHomeIsRefusedAndNamesTheHolder(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	old := b.waitReady(gatewaySlot)
	r := b.exec("0", "hermes", "gateway", "run", "--no-supervise")
	if r.Code != 1 || !strings.Contains(r.Stderr, fmt.Sprint(old.pid)) {
		t.Errorf("want code 1 and pid %d in the message, got: %s", old.pid, r)
	}
	if err := b.isStill(gatewaySlot, old); err != nil {
		t.Errorf("the first one suffers: %v", err)
	}
}

// TestStubbornLockHolderIsNotAStorm: the process that holds the lock is not one of our gateways.
func TestStubbornLockHolderIsNotAStorm(t *testing.T) {
	parallel(t)
	b := startIdle(t, options{})
	b.background("hermes", "flock", "/opt/data/gateway.lock", "sh", "-c", "trap '' TERM; while :; do sleep 1; done")
	eventually(t, soon, "the lock is taken", func() error {
		if r := b.exec("0", "flock", "-n", "/opt/data/gateway.lock", "true"); r.Code == 0 {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	r := b.exec("0", "hermes", "gateway", "start")
	if r.Code != 1 || !strings.Contains(r.Stderr, "lock") && !strings.Contains(r.Stderr, "another") {
		t.Errorf("want code 1 and why, got: %s", r)
	}
	b.noStorm(gatewaySlot)
}

func TestHealthcheckTellsAReadyGateway(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	if r := b.exec("0", "hermes", "healthcheck"); r.Code != 0 {
		t.Errorf("a ready gateway: %s", r)
	}
	var check []string
	if err := json.Unmarshal([]byte(b.inspect("{{json .Config.Healthcheck.Test}}")), &check); err != nil || strings.Join(check, " ") != "CMD hermes healthcheck" {
		t.Errorf("the image's HEALTHCHECK is %v, %v", check, err)
	}
	b.freeze(b.waitReady(gatewaySlot).pid)
	if r := b.exec("0", "timeout", "20", "hermes", "healthcheck"); r.Code == 0 {
		t.Errorf("a gateway that does not answer is healthy: %s", r)
	}
}
