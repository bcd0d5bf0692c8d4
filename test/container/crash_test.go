package container_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hermes/test/container/docker"
)

const (
	modelAddress = "127.0.0.1:9999"
	modelAsked   = "/tmp/model-asked" // this file exists once the model was asked something
	modelConfig  = "model:\n  provider: openai\n  name: test\n  base_url: http://" + modelAddress + "/v1\n  api_key_env: TEST_MODEL_KEY\n"
)

// startWithModel starts a supervised gateway and, in the same container, a model whose answer is the messages that it got.
func startWithModel(t *testing.T, o options) *box {
	t.Helper()
	o.vol = volume(t)
	o.env = append(o.env, "TEST_MODEL_KEY=unused")
	seed(t, o.vol, "config.yaml", modelConfig)
	b := startGateway(t, o)
	b.background("0", docker.TestClientPath, "model", modelAddress, modelAsked)
	eventually(t, soon, "the model listens", func() error {
		if r := b.http("GET", "http://"+modelAddress+"/", ""); r.Status != 404 {
			return fmt.Errorf("%+v", r)
		}
		return nil
	})
	return b
}

func TestKilledGatewayIsReadyAgainAndRemembers(t *testing.T) {
	parallel(t)
	b := startWithModel(t, options{})
	startedAt := b.inspect("{{.State.StartedAt}} {{.RestartCount}}")
	heartbeat := only(b.ps(), process.isHeartbeat)[0].life()
	if r := b.say("s1", "my name is Ada"); r.Status != 200 {
		t.Fatalf("first message: %+v", r)
	}

	old := b.waitReady(gatewaySlot)
	b.kill(old)
	begin := time.Now()
	b.waitReplaced(gatewaySlot, old)
	t.Logf("ready again %s after kill -9, as seen through docker exec", time.Since(begin).Round(time.Millisecond))

	r := b.say("s1", "what is my name")
	for _, want := range []string{"my name is Ada", "what is my name"} {
		if r.Status != 200 || !strings.Contains(r.body(), want) {
			t.Errorf("the model was not sent %q: %+v", want, r)
		}
	}
	if r := b.say("s2", "who am I"); r.Status != 200 || strings.Contains(r.body(), "Ada") {
		t.Errorf("another session knows what the first one was told: %+v", r)
	}
	if got := b.inspect("{{.State.StartedAt}} {{.RestartCount}}"); got != startedAt {
		t.Errorf("the container restarted: %s, it was %s", got, startedAt)
	}
	if got := only(b.ps(), process.isHeartbeat); len(got) != 1 || got[0].life() != heartbeat {
		t.Errorf("heartbeats %v, it was %v", got, heartbeat)
	}
}

// TestGatewayThatIsKilledAgainAndAgainComesBack: the second and the third kill come when the gateway has lived for less than a
// second, so that s6 and the backoff make it wait.
func TestGatewayThatIsKilledAgainAndAgainComesBack(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	now := b.waitReady(gatewaySlot)
	for range 4 {
		b.kill(now)
		now = b.waitReplaced(gatewaySlot, now)
	}
	if r := b.say("s", "still here"); r.Status != 200 {
		t.Errorf("%+v", r)
	}
}

// TestKilledSupervisorsComeBack: each level of the tree restarts the level below it, and a gateway whose supervisor was killed does
// not run twice in the end.
func TestKilledSupervisorsComeBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		pick func(process) bool
	}{
		{"s6-supervise of the gateway", func(p process) bool {
			return p.Comm == "s6-supervise" && p.last() == gatewaySlot
		}},
		{"s6-log of the gateway", func(p process) bool {
			return p.Comm == "s6-log" && strings.Contains(strings.Join(p.Cmdline, " "), "default")
		}},
		{"s6-svscan of the runtime user", func(p process) bool { return p.Comm == "s6-svscan" && p.PID != 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			b := startGateway(t, options{})
			victims := only(b.ps(), c.pick)
			if len(victims) != 1 {
				t.Fatalf("victims %v in %v", victims, b.ps())
			}
			b.kill(victims[0].life())
			eventually(t, soon, "it is back, with one gateway that answers", func() error {
				processes := b.ps()
				again, gateways := only(processes, c.pick), only(processes, process.isGateway)
				if len(again) != 1 || again[0].life() == victims[0].life() || len(gateways) != 1 {
					return fmt.Errorf("%v (it was %v), gateways %v", again, victims, gateways)
				}
				if err := b.isReady(gatewaySlot)(); err != nil {
					return err
				}
				if s, _ := b.svstat(gatewaySlot); s.pid != gateways[0].PID {
					return fmt.Errorf("s6 thinks %+v, but the gateway is %v", s, gateways)
				}
				if r := b.http("GET", apiURL+"/ready", ""); r.Status != 200 {
					return fmt.Errorf("%+v", r)
				}
				return b.running()
			})
		})
	}
}
