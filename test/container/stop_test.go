package container_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hermes/test/container/docker"
)

// witness is a script that writes into a file that it got SIGTERM.
const witness = `trap 'echo got TERM > "$1"; exit 0' TERM; echo waits > "$1"; while :; do sleep 1 & wait $!; done`

func TestDockerStopIsCleanUnderTheRedirect(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	b.background("hermes", "sh", "-c", witness, "sh", "/opt/data/witness-hermes")
	b.background("0", "sh", "-c", witness, "sh", "/opt/data/witness-root")
	for _, file := range []string{"/opt/data/witness-hermes", "/opt/data/witness-root"} {
		eventually(t, soon, file+" waits", func() error { _, err := b.readFile(file); return err })
	}

	r := b.stop()
	t.Logf("docker stop took %s", r.Took.Round(time.Millisecond))
	if code := b.wait(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, file := range []string{"/opt/data/witness-hermes", "/opt/data/witness-root"} {
		if got := b.file(file); got != "got TERM\n" {
			t.Errorf("%s says %q: the process did not get SIGTERM, or no time", file, got)
		}
	}
	state := b.gatewayState()
	if state["gateway_state"] != "running" {
		t.Errorf("gateway_state is %v, want running: nobody planned the stop", state["gateway_state"])
	}
	if state["desired_state"] == "stopped" {
		t.Errorf("desired_state is stopped: docker stop is not the operator's `gateway stop`")
	}
	if log := b.allLogs(); strings.Contains(strings.ToLower(log), "panic") || strings.Contains(log, "fatal") {
		t.Errorf("an unclean end:\n%s", log)
	}
}

// TestDockerStopIsCleanBesideAnotherOnTheVolume: processes that wait for the other container's locks do not delay the stop.
func TestDockerStopIsCleanBesideAnotherOnTheVolume(t *testing.T) {
	parallel(t)
	vol := volume(t)
	first := startGateway(t, options{vol: vol})
	second := start(t, options{vol: vol}, "gateway", "run")
	eventually(t, soon, "its logger waits", func() error {
		if n := len(linesWith(second.allLogs(), "[default] waiting for /opt/data/logs/gateways/default/lock")); n != 1 {
			return fmt.Errorf("it said so %d times", n)
		}
		return nil
	})
	second.stop()
	if code := second.wait(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if err := first.isReady(gatewaySlot)(); err != nil {
		t.Error(err)
	}
}

func TestStoppedContainerStartsAgain(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	if r := b.say("s", "one"); r.Status != 200 {
		t.Fatalf("%+v", r)
	}
	for range 2 {
		b.stop()
		must(t, "start", b.name)
		b.waitReady(gatewaySlot)
		eventually(t, soon, "it is redirected", b.isRedirected)
		if r := b.say("s", "two"); r.Status != 200 {
			t.Errorf("after docker start: %+v", r)
		}
		if got := only(b.ps(), process.isGateway); len(got) != 1 {
			t.Errorf("gateways: %v", got)
		}
	}
	// A container that is killed leaves everything as it was, pid files too.
	must(t, "kill", b.name)
	must(t, "start", b.name)
	b.waitReady(gatewaySlot)
	if r := b.say("s", "three"); r.Status != 200 {
		t.Errorf("after docker kill and start: %+v", r)
	}
}

func TestDockerStopLetsARunningTurnFinish(t *testing.T) {
	parallel(t)
	b := startWithModel(t, options{})
	done := make(chan response, 1)
	flags := b.bearer()
	go func() {
		cmd := append([]string{"exec", "-i", "-u", "hermes", b.name, docker.TestClientPath, "http", "-method", "POST"}, flags...)
		r := docker.Do(t.Context(), strings.NewReader(chatBody("be slow", true)), append(cmd, apiURL+"/v1/chat/completions")...)
		if r.Code != 0 {
			t.Error(r)
			done <- response{}
			return
		}
		done <- decode[response](t, r.Stdout)
	}()
	eventually(t, soon, "the turn runs", func() error {
		return b.exec("0", "test", "-e", modelAsked).Failed()
	})
	r := b.stop()
	t.Logf("docker stop with a turn that runs took %s", r.Took.Round(time.Millisecond))
	answer := <-done
	for _, want := range []string{"nine", "[DONE]"} {
		if !strings.Contains(answer.body(), want) {
			t.Errorf("the answer was cut off before %q: %+v", want, answer)
		}
	}
	if code := b.wait(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

func TestStubbornProcessIsKilledAtStopInTime(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	b.background("hermes", "sh", "-c", `trap "" TERM; echo > /opt/data/stubborn; while :; do sleep 1; done`)
	eventually(t, soon, "it runs", func() error { _, err := b.readFile("/opt/data/stubborn"); return err })
	// docker's own time limit is 10 s; a container that needs longer is killed, with code 137.
	r := must(t, "stop", b.name)
	t.Logf("docker stop with a process that ignores SIGTERM took %s", r.Took.Round(time.Millisecond))
	if code := b.wait(); code != 0 {
		t.Errorf("exit code %d after %s, want 0", code, r.Took)
	}
}

// TestDockerStopDuringBootEndsAtOnce, with 0 if the command hands over to the supervisor (M6), and otherwise with the code of a
// command that SIGTERM ends. TestWhichCommandsHandOver tests which commands hand over.
func TestDockerStopDuringBootEndsAtOnce(t *testing.T) {
	parallel(t)
	img := derive(t, map[string]string{"05-slow": "#!/bin/sh\necho slow hook begins\nexec sleep 600\n"},
		"COPY 05-slow /etc/cont-init.d/05-slow")
	embedded := derive(t, map[string]string{"05-slow": "#!/bin/sh\necho slow hook begins\nexec sleep 600\n"},
		"COPY 05-slow /etc/cont-init.d/05-slow", "RUN rm /usr/bin/s6-*")
	for _, c := range []struct {
		cmd  string
		env  []string
		want int
	}{
		{"gateway run", nil, 0},
		{"hermes -p default gateway run --replace", nil, 0},
		{"gateway run", []string{"HERMES_GATEWAY_NO_SUPERVISE=1"}, 143},
		{"gateway run --no-supervise", nil, 143},
		{"sleep 600", nil, 143},
		{"without-s6 gateway run", nil, 0},
		{"without-s6 gateway run --no-supervise", nil, 143},
	} {
		t.Run(strings.Join(append(c.env, c.cmd), " "), func(t *testing.T) {
			t.Parallel()
			o := options{image: img, env: c.env}
			cmd, without := strings.CutPrefix(c.cmd, "without-s6 ")
			if without {
				o.image = embedded
			}
			b := start(t, o, strings.Fields(cmd)...)
			eventually(t, soon, "the hook runs", func() error {
				if !strings.Contains(b.allLogs(), "slow hook begins") {
					return errors.New("not yet")
				}
				return nil
			})
			b.stop()
			if code := b.wait(); code != c.want {
				t.Errorf("exit code %d, want %d", code, c.want)
			}
			if log := b.allLogs(); strings.Contains(log, "✗") {
				t.Errorf("it complains:\n%s", log)
			}
		})
	}
}

// TestDockerStopAtAnyMomentOfTheHandOverEndsWithZero: while the gateways' tree starts, while `gateway run` starts, while it talks to
// the supervisor, and when it is the heartbeat. The hook decides how much of the boot is left when docker stop comes.
func TestDockerStopAtAnyMomentOfTheHandOverEndsWithZero(t *testing.T) {
	parallel(t)
	img := derive(t, map[string]string{"95-last": "#!/bin/sh\necho last hook begins\nexec sleep \"$LEFT\"\n"},
		"COPY 95-last /etc/cont-init.d/95-last")
	for _, left := range []string{"0", "0.02", "0.04", "0.07", "0.1", "0.14"} {
		t.Run(left, func(t *testing.T) {
			t.Parallel()
			b := start(t, options{image: img, env: []string{"LEFT=" + left}}, "gateway", "run")
			eventually(t, soon, "the hook runs", func() error {
				if !strings.Contains(b.allLogs(), "last hook begins") {
					return errors.New("not yet")
				}
				return nil
			})
			b.stop()
			if code := b.wait(); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
		})
	}
}

// TestCtrlCOfDockerRunStopsTheContainer: without -t, docker sends Ctrl-C to PID 1 as SIGINT.
func TestCtrlCOfDockerRunStopsTheContainer(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	must(t, "kill", "-s", "INT", b.name)
	b.wait() // commandTimeout limits the wait, and nothing here ends by itself
	if s := b.gatewayState()["gateway_state"]; s != "running" {
		t.Errorf("gateway_state is %v, want running", s)
	}
}
