package container_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hermes/test/container/docker"
)

// TestFleetWrongConfigGivesUpAndTheOthersRun: after exit code 78 the gateway is not started again, neither at once nor at the next
// boot.
func TestFleetWrongConfigGivesUpAndTheOthersRun(t *testing.T) {
	parallel(t)
	profiles := append(fleetOf(3, wantsRunning), fleetProfile{name: "wrong", port: 18100, state: wantsRunning, config: "api_server:\n  port: many"})
	all := profileNames(profiles)
	up := without(all, []string{"wrong"})
	b := startFleet(t, options{vol: fleetVolume(t, profiles...)}, all, up)
	check := func() {
		t.Helper()
		throughout(t, 3*time.Second, "it stays down, the others up", b.fleetIs(withDefault(all), up))
		if s := b.stateOf("wrong"); s["gateway_state"] != "startup_failed" || !strings.Contains(fmt.Sprint(s["exit_reason"]), "api_server.port") {
			t.Errorf("state: %v, want startup_failed and why", s)
		}
	}
	check()
	if d := b.deathTimes("gateway-wrong"); len(d) != 1 || d[0].how != "exitcode 78" {
		t.Errorf("deaths: %v, want one with code 78", d)
	}
	for _, args := range [][]string{{"gateway", "list"}, {"-p", "wrong", "gateway", "status"}} {
		if out := b.mustExec("0", append([]string{"hermes"}, args...)...); !strings.Contains(out, "startup_failed") {
			t.Errorf("%v does not say startup_failed:\n%s", args, out)
		}
	}
	for _, reboot := range reboots {
		before := b.bootLogSize()
		reboot.do(b)
		b.waitFleet(withDefault(all), up)
		check()
		for _, l := range b.bootLines(before) {
			if l.profile == "wrong" && (l.action != "registered" || l.prior != "startup_failed") {
				t.Errorf("the boot log says %q", l.text)
			}
		}
	}
	if r := b.hermes("-p", "wrong", "gateway", "start"); r.Code != 1 || !strings.Contains(r.Stderr, "api_server.port") {
		t.Errorf("want code 1 and why: %s", r)
	}
	b.mustExec("hermes", "rm", "/opt/data/profiles/wrong/config.yaml")
	b.mustExec("0", "hermes", "-p", "wrong", "gateway", "start")
	if err := b.fleetIs(withDefault(all), all)(); err != nil {
		t.Error(err)
	}
}

// startCrashLoop boots a profile `loop` whose gateway cannot have its port, beside a profile whose gateway runs.
func startCrashLoop(t *testing.T) *box {
	t.Helper()
	b := startFleet(t, options{vol: fleetVolume(t, fleetProfile{name: "good", port: 18000, state: wantsRunning}, fleetProfile{name: "loop", port: 18001})},
		[]string{"good", "loop"}, []string{"good"})
	b.background("0", docker.TestClientPath, "listen", "127.0.0.1:18001")
	eventually(t, soon, "the port is taken", func() error {
		if n := len(only(b.ps(), func(p process) bool { return p.Comm == "testclient" })); n != 1 {
			return fmt.Errorf("%d listeners", n)
		}
		return nil
	})
	if r := b.hermes("-p", "loop", "gateway", "start"); r.Code != 1 || !strings.Contains(r.Stderr, "18001") {
		t.Fatalf("want code 1 and the port: %s", r)
	}
	return b
}

// checkSpacing compares the times of failures with the rule of contract B2: pauses of 0, 1, 2, 4 ... 60 s, each a quarter longer or
// shorter. slack is what a start and a busy machine may add.
func checkSpacing(t *testing.T, deaths []death) {
	t.Helper()
	const slack = 4 * time.Second
	for i := 2; i < len(deaths); i++ {
		nap := min(time.Minute, time.Second<<(i-2))
		got := deaths[i].at.Sub(deaths[i-1].at)
		t.Logf("failure %d came %s after the one before", i+1, got.Round(10*time.Millisecond))
		if got < nap*3/4 || got > nap*5/4+slack {
			t.Errorf("failure %d came %s after the one before, want a pause of %s, give or take a quarter", i+1, got, nap)
		}
	}
}

// inBackoff waits until a slot is in a pause of at least this length.
func (b *box) inBackoff(name string, atLeast time.Duration) {
	b.t.Helper()
	eventually(b.t, soon, name+" is in a long backoff", func() error {
		// s6 waits for a second before it runs the script that makes the pause.
		if s, err := b.svstat("gateway-" + name); err != nil || !s.up {
			return fmt.Errorf("%+v, %v", s, err)
		}
		r := b.exec("0", "cat", "/run/service/gateway-"+name+"/data/nap")
		s, err := strconv.ParseFloat(strings.TrimSpace(r.Stdout), 64)
		if err == nil && s < atLeast.Seconds() {
			err = fmt.Errorf("it naps %v s", s)
		}
		return err
	})
}

// TestFleetCrashLoopIsNoStorm watches a gateway that fails at every start until the supervisor gives up on it, which takes about
// three minutes. The test mostly waits, so it does not take one of the places for tests.
func TestFleetCrashLoopIsNoStorm(t *testing.T) {
	t.Parallel()
	b := startCrashLoop(t)
	b.inBackoff("loop", 2*time.Second)
	// A pause may have just ended; then s6 waits for a second before the next one.
	eventually(t, soon, "gateway list says backoff", func() error {
		if out := b.mustExec("0", "hermes", "gateway", "list"); len(linesWith(out, "loop", "backoff")) != 1 {
			return fmt.Errorf("it says:\n%s", out)
		}
		return nil
	})
	good := b.waitReady("gateway-good")
	begin := b.deathTimes("gateway-loop")[0].at
	// Look once a second, because a docker exec costs more than what it looks at.
	watch := time.NewTicker(time.Second)
	defer watch.Stop()
	for now := range watch.C {
		if err := b.isStill("gateway-good", good); err != nil {
			t.Fatalf("the other one suffers: %v", err)
		}
		if now.Sub(begin) > 3*time.Minute {
			break
		}
	}
	// Between ten failures there are pauses of 0, 1, 2, 4, 8, 16, 32, 60 and 60 s, each up to a quarter shorter.
	n := b.deaths("gateway-loop")
	t.Logf("%d starts in three minutes", n)
	if n < 8 || n > 10 {
		t.Errorf("%d starts in three minutes, want 8 to 10", n)
	}
	eventually(t, 90*time.Second, "it gave up", b.isDown("gateway-loop"))
	deaths := b.deathTimes("gateway-loop")
	if len(deaths) != 10 {
		t.Errorf("it gave up after %d failures, want 10", len(deaths))
	}
	checkSpacing(t, deaths)
	b.checkGaveUp("gave up after 10 failures in ")
}

// TestFleetCommandsCutABackoffShort: stop and start do not wait for the end of the pause.
func TestFleetCommandsCutABackoffShort(t *testing.T) {
	parallel(t)
	b := startCrashLoop(t)
	freeze := func(atLeast time.Duration) {
		t.Helper()
		b.inBackoff("loop", atLeast)
		eventually(t, soon, "its nap does not end by itself", func() error {
			naps := only(b.ps(), func(p process) bool { return p.Comm == "sleep" && p.Cwd == slotPath("gateway-loop") && p.State != "T" })
			if len(naps) != 1 {
				return fmt.Errorf("%v", naps)
			}
			return b.exec("0", "sh", "-c", fmt.Sprintf("kill -STOP %d", naps[0].PID)).Failed()
		})
	}
	freeze(6 * time.Second)

	before := len(b.deathTimes("gateway-loop"))
	r := b.hermes("-p", "loop", "gateway", "start")
	if r.Code != 1 || !strings.Contains(r.Stderr, "18001") {
		t.Errorf("start in a backoff, want one try at once, and why it failed: %s", r)
	}
	if after := b.deathTimes("gateway-loop"); len(after) == before {
		t.Errorf("start in a backoff did not try: %v", after)
	}
	freeze(2 * time.Second)
	r = b.hermes("-p", "loop", "gateway", "stop")
	if r.Code != 0 {
		t.Errorf("stop in a backoff: %s", r)
	}
	throughout(t, 3*time.Second, "it is down", b.isDown("gateway-loop"))
	b.mustExec("0", "sh", "-c", "kill $(pidof testclient)")
	if r := b.hermes("-p", "loop", "gateway", "start"); r.Code != 0 {
		t.Errorf("start after the port is free: %s", r)
	}
}

// TestFleetCrashLoopGivesUpAfterTenFailures: SIGTERM to the slot ends a pause and is not a failure, so the ten failures come fast.
func TestFleetCrashLoopGivesUpAfterTenFailures(t *testing.T) {
	parallel(t)
	b := startCrashLoop(t)
	eventually(t, time.Minute, "it gave up", func() error {
		if err := b.isDown("gateway-loop")(); err == nil {
			return nil
		}
		r := b.exec("0", "sh", "-c", "cd /run/service/gateway-loop && [ -f data/nap ] && s6-svc -t .; s6-svdt . | tail -n 3")
		return fmt.Errorf("%s", r)
	})
	failures := slices.DeleteFunc(b.deathTimes("gateway-loop"), func(d death) bool { return d.how != "exitcode 1" })
	if len(failures) != 10 {
		t.Errorf("it gave up after %d failures, want 10: %v", len(failures), failures)
	}
	b.checkGaveUp(`gave up after 10 failures in `)
	if n := len(linesWith(b.allLogs(), "gave up after 10 failures", "`hermes -p loop gateway start` tries again")); n != 1 {
		t.Errorf("docker logs says %d times that it gave up, and what to do", n)
	}
	for _, reboot := range reboots {
		reboot.do(b) // this also ends the process that holds the port
		b.waitFleet(withDefault([]string{"good", "loop"}), []string{"good"})
		throughout(t, 2*time.Second, "it stays down", b.isDown("gateway-loop"))
	}
	b.mustExec("0", "hermes", "-p", "loop", "gateway", "start")
	if err := b.isReady("gateway-loop")(); err != nil {
		t.Error(err)
	}
	if s := b.stateOf("loop"); s["gateway_state"] != "running" || strings.Contains(fmt.Sprint(s["exit_reason"]), "gave up") {
		t.Errorf("start did not clear the failure: %v", s)
	}
}

// checkGaveUp checks that every place that shows the status says that the supervisor gave up on `loop`, why, and what to do.
func (b *box) checkGaveUp(prefix string) {
	b.t.Helper()
	throughout(b.t, 3*time.Second, "it stays down", b.isDown("gateway-loop"))
	s := b.stateOf("loop")
	reason := fmt.Sprint(s["exit_reason"])
	if s["gateway_state"] != "startup_failed" || !strings.HasPrefix(reason, prefix) || !strings.Contains(reason, "18001") {
		b.t.Errorf("state: %v", s)
	}
	for _, args := range [][]string{{"-p", "loop", "gateway", "status"}, {"gateway", "list"}, {"status"}} {
		out := b.mustExec("0", append([]string{"hermes"}, args...)...)
		if args[0] != "status" && len(linesWith(out, "startup_failed")) != 1 {
			b.t.Errorf("hermes %s does not say startup_failed:\n%s", strings.Join(args, " "), out)
		}
		if !strings.Contains(out, "gave up after 10 failures") || !strings.Contains(out, "hermes -p loop gateway start") {
			b.t.Errorf("hermes %s does not say that it gave up, and what to do:\n%s", strings.Join(args, " "), out)
		}
	}
}

// TestFleetKilledSupervisionComesBack: whatever is killed with SIGKILL, everything comes back: one gateway for each profile, except
// those that were stopped, and their logs.
func TestFleetKilledSupervisionComesBack(t *testing.T) {
	t.Parallel()
	profiles := fleetOf(4, wantsRunning)
	profiles[3].state = `{"desired_state":"stopped"}`
	all := profileNames(profiles)
	up := without(all, []string{"p03"})
	for _, c := range []struct {
		name string
		pick func(process) bool
	}{
		{"s6-svscan", func(p process) bool { return p.Comm == "s6-svscan" && p.PID != 1 }},
		{"s6-supervise of a gateway", func(p process) bool { return p.Comm == "s6-supervise" && p.last() == "gateway-p00" }},
		{"s6-supervise of a stopped gateway", func(p process) bool { return p.Comm == "s6-supervise" && p.last() == "gateway-p03" }},
		{"every s6-supervise of a gateway", func(p process) bool {
			return p.Comm == "s6-supervise" && p.UID == runtimeUID && !strings.HasSuffix(p.last(), "/log")
		}},
		{"logger", func(p process) bool { return p.Comm == "s6-log" && strings.HasSuffix(p.last(), "/p00") }},
		{"s6-supervise of a logger", func(p process) bool { return p.Comm == "s6-supervise" && p.last() == "gateway-p00/log" }},
		{"every logger and its s6-supervise", func(p process) bool {
			return p.Comm == "s6-log" || p.Comm == "s6-supervise" && strings.HasSuffix(p.last(), "/log")
		}},
		{"every s6-supervise and s6-svscan", func(p process) bool {
			return p.UID == runtimeUID && strings.HasPrefix(p.Comm, "s6-sv") || p.UID == runtimeUID && p.Comm == "s6-supervise"
		}},
		{"every gateway", process.isGateway},
		{"everything but the CMD", func(p process) bool { return p.UID == runtimeUID && !p.isHeartbeat() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			b := startFleet(t, options{vol: fleetVolume(t, profiles...)}, all, up)
			for range 2 { // twice, because the second time may differ
				// Wait until the supervisors are older than a second. If another one dies in the second that s6-svscan 2.13.1 waits
				// before it starts such a young one again, it forgets to start it.
				throughout(t, 1500*time.Millisecond, "all is well", b.fleetIs(withDefault(all), up))
				var victims []process
				eventually(t, soon, "there is somebody to kill", func() error {
					processes := b.ps()
					if victims = only(processes, c.pick); len(victims) == 0 {
						return fmt.Errorf("%v", processes)
					}
					return nil
				})
				kill := "kill -KILL"
				for _, p := range victims {
					kill += fmt.Sprintf(" %d", p.PID)
				}
				b.exec("0", "sh", "-c", kill) // some may have ended before
				eventually(t, soon, "everything is back", func() error {
					processes := b.ps()
					for _, p := range processes {
						if slices.ContainsFunc(victims, func(v process) bool { return v.life() == p.life() && v.Comm == p.Comm && p.State != "Z" }) {
							return fmt.Errorf("%v still lives", p)
						}
					}
					// Right after the kill the new processes are not there yet, so wait until as many have come.
					if again := only(processes, c.pick); len(again) < len(victims) {
						return fmt.Errorf("%v came for %v", again, victims)
					}
					if err := b.fleetIs(withDefault(all), up)(); err != nil {
						return err
					}
					return b.oneGatewayEach(up)()
				})
			}
			throughout(t, 3*time.Second, "there is never a second gateway", b.oneGatewayEach(up))
			for i := range 3 {
				if err := b.isServing(18000 + i)(); err != nil {
					t.Error(err)
				}
			}
			b.checkLogsFlow("p00")
			b.checkOneLoggerEach(withDefault(all))
		})
	}
}

// checkLogsFlow restarts a gateway and looks for the new gateway's output in the log file and in docker logs.
func (b *box) checkLogsFlow(name string) {
	b.t.Helper()
	if r := b.hermes("-p", name, "gateway", "restart"); r.Code != 0 {
		b.t.Fatal(r)
	}
	now := b.waitReady("gateway-" + name)
	words := []string{"starting", "profile=" + name, fmt.Sprintf("pid=%d ", now.pid)}
	eventually(b.t, soon, "the log goes on", func() error {
		if text := b.mustExec("0", "cat", "/opt/data/logs/gateways/"+name+"/current"); len(linesWith(text, words...)) == 0 {
			return fmt.Errorf("no %v in the file:\n%s", words, tail(text))
		}
		if text := b.allLogs(); len(linesWith(text, words...)) == 0 {
			return fmt.Errorf("no %v in docker logs", words)
		}
		return nil
	})
}

// checkOneLoggerEach checks that each gateway has one logger that writes, with or without its supervisor, and that no other one
// tries to get its lock.
func (b *box) checkOneLoggerEach(names []string) {
	b.t.Helper()
	eventually(b.t, soon, "one logger for each gateway", func() error {
		count := map[string]int{}
		for _, p := range only(b.ps(), func(p process) bool { return p.Comm == "s6-log" }) {
			dir := p.last()
			count[dir[strings.LastIndex(dir, "/")+1:]]++
		}
		for _, name := range names {
			if count[name] != 1 {
				return fmt.Errorf("loggers: %v", count)
			}
		}
		return nil
	})
	throughout(b.t, 3*time.Second, "no logger complains", func() error {
		if complaints := linesWith(b.allLogs(), "fatal"); len(complaints) > 0 {
			return fmt.Errorf("%v", complaints)
		}
		return nil
	})
}

// TestFleetWholeUserIsKilled: kill -9 -1 as the runtime user ends the CMD too, and so the container. After a start everything that
// ran is back.
func TestFleetWholeUserIsKilled(t *testing.T) {
	parallel(t)
	profiles := fleetOf(3, wantsRunning)
	all := profileNames(profiles)
	b := startFleet(t, options{vol: fleetVolume(t, profiles...)}, all, all)
	b.exec("hermes", "sh", "-c", "kill -KILL -1")
	b.wait()
	must(t, "start", b.name)
	b.waitFleet(withDefault(all), all)
	if err := b.oneGatewayEach(all)(); err != nil {
		t.Error(err)
	}
	b.checkLogsFlow("p01")
}
