package container_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func lastOf(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func TestFleetStopAllStaysStopped(t *testing.T) {
	parallel(t)
	profiles := fleetOf(8, wantsRunning)
	all := profileNames(profiles)
	b := startFleet(t, options{vol: fleetVolume(t, profiles...)}, all, all)
	r := b.hermes("gateway", "stop", "--all")
	if r.Code != 0 || lastOf(r.Stdout) != "stopped: 9 of 9 gateways" {
		t.Errorf("want code 0 and the count: %s", r)
	}
	for _, name := range all {
		if n := len(linesWith(r.Stdout, "'"+name+"'")); n != 1 {
			t.Errorf("%d lines about %s, want one: %s", n, name, r)
		}
	}
	stopped := b.fleetIs(withDefault(all), nil)
	if err := stopped(); err != nil {
		t.Errorf("the command returned, but %v", err)
	}
	throughout(t, 5*time.Second, "they stay down", stopped)
	for _, reboot := range reboots {
		reboot.do(b)
		b.waitFleet(withDefault(all), nil)
		throughout(t, 2*time.Second, "they stay down after "+reboot.name, stopped)
	}
	// The supervisor of the tree must not undo it either.
	ofTheTree := func(p process) bool {
		return p.Comm == "s6-svscan" && p.PID != 1 || p.Comm == "s6-supervise" && p.UID == runtimeUID
	}
	before := only(b.ps(), ofTheTree)
	b.killOne(func(p process) bool { return p.Comm == "s6-svscan" && p.PID != 1 })
	eventually(t, soon, "another tree is there", func() error {
		now := only(b.ps(), ofTheTree)
		same := func(p process) bool {
			return slices.ContainsFunc(before, func(q process) bool { return q.life() == p.life() })
		}
		if len(now) != len(before) || slices.ContainsFunc(now, same) {
			return fmt.Errorf("%v, before %v", now, before)
		}
		return stopped()
	})
	throughout(t, 2*time.Second, "they stay down under a new tree", stopped)
	if got := b.gatewaysOf(); len(got) != 0 {
		t.Errorf("gateways: %v", got)
	}
}

// killOne kills the only process for which pick is true, and returns it.
func (b *box) killOne(pick func(process) bool) process {
	b.t.Helper()
	victims := only(b.ps(), pick)
	if len(victims) != 1 {
		b.t.Fatalf("victims: %v", victims)
	}
	b.kill(victims[0].life())
	return victims[0]
}

func TestFleetRestartAllRenewsTheRunningAndLeavesTheStopped(t *testing.T) {
	parallel(t)
	profiles := fleetOf(8, wantsRunning)
	all := profileNames(profiles)
	b := startFleet(t, options{vol: fleetVolume(t, profiles...)}, all, all)
	stopped := []string{"p02", "p05"}
	up := without(all, stopped)
	for _, name := range stopped {
		if r := b.hermes("-p", name, "gateway", "stop"); r.Code != 0 {
			t.Fatal(r)
		}
	}
	before, err := b.fleetStatus()
	if err != nil {
		t.Fatal(err)
	}
	r := b.hermes("gateway", "restart", "--all")
	if r.Code != 0 || lastOf(r.Stdout) != "restarted: 6 of 6 gateways" {
		t.Errorf("want code 0 and the count: %s", r)
	}
	if err := b.fleetIs(withDefault(all), up)(); err != nil {
		t.Errorf("the command returned, but %v", err)
	}
	after, err := b.fleetStatus()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range up {
		if after[name].life == before[name].life {
			t.Errorf("%s is still %v", name, after[name].life)
		}
	}
	if err := b.oneGatewayEach(up)(); err != nil {
		t.Error(err)
	}
	for _, name := range stopped {
		if s := b.stateOf(name); s["desired_state"] != "stopped" || s["gateway_state"] != "stopped" {
			t.Errorf("%s: %v", name, s)
		}
		if n := len(linesWith(r.Stdout, "'"+name+"'", "left alone")); n != 1 {
			t.Errorf("%d lines say that %s is left alone: %s", n, name, r)
		}
	}
	reboots[0].do(b)
	b.waitFleet(withDefault(all), up)
}

func TestFleetStartAllIsRefused(t *testing.T) {
	parallel(t)
	profiles := fleetOf(3, "")
	all := profileNames(profiles)
	b := startFleet(t, options{vol: fleetVolume(t, profiles...)}, all, nil)
	r := b.hermes("gateway", "start", "--all")
	if r.Code != 2 || r.Stdout != "" || !strings.HasPrefix(r.Stderr, "✗ ") || !strings.Contains(r.Stderr, "start --all") {
		t.Errorf("want code 2 and why: %s", r)
	}
	throughout(t, 2*time.Second, "nothing starts", b.fleetIs(withDefault(all), nil))
	for _, name := range all {
		if s := b.stateOf(name); s["desired_state"] != nil {
			t.Errorf("%s: %v", name, s)
		}
	}
}

// TestFleetPartialFailureOfAllIsCounted: a slot or a home that refuses does not stop the others. The message names it, and its
// desired state stays as it was.
func TestFleetPartialFailureOfAllIsCounted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, broken string
		stops        bool // it stops all the same; only recording that fails
	}{
		{"control FIFO without rights", "chmod 000 /run/service/gateway-p01/supervise/control", false},
		{"control FIFO is gone", "rm /run/service/gateway-p01/supervise/control", false},
		{"slot without rights", "chmod 000 /run/service/gateway-p01", false},
		{"home that cannot be written", "chown 0:0 /opt/data/profiles/p01 && chmod 555 /opt/data/profiles/p01", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			profiles := fleetOf(4, wantsRunning)
			all := profileNames(profiles)
			b := startFleet(t, options{vol: fleetVolume(t, profiles...)}, all, all)
			old := b.waitReady("gateway-p01")
			b.mustExec("0", "sh", "-c", c.broken)

			for _, command := range []struct{ name, count string }{
				{"restart", "restarted: 3 of 4 gateways"}, {"stop", "stopped: 4 of 5 gateways"},
			} {
				r := b.hermes("gateway", command.name, "--all")
				if r.Code != 1 || lastOf(r.Stdout) != command.count {
					t.Errorf("want code 1 and %q: %s", command.count, r)
				}
				if n := len(linesWith(r.Stdout+r.Stderr, "✗", "p01")); n != 1 {
					t.Errorf("%d lines say why p01 failed, want one: %s", n, r)
				}
				if n := len(linesWith(r.Stdout, "✓ gateway")); fmt.Sprint(n) != strings.Fields(command.count)[1] {
					t.Errorf("%d lines of success: %s", n, r)
				}
				if strings.Contains(r.Stdout+r.Stderr, "goroutine") {
					t.Errorf("a stack trace: %s", r)
				}
			}
			if s := b.stateOf("p01"); s["desired_state"] != "running" {
				t.Errorf("the intent of the one that refused: %v, want running as before", s)
			}
			for _, name := range []string{"p00", "p02", "p03"} {
				if err := b.isDown("gateway-" + name)(); err != nil {
					t.Error(err)
				}
			}
			left := only(b.ps(), process.isGateway)
			if untouched := len(left) == 1 && left[0].PID == old.pid; c.stops != (len(left) == 0) || !c.stops && !untouched {
				t.Errorf("gateways %v, want that of p01 alone, untouched, or none (%t)", left, c.stops)
			}
		})
	}
}

// TestFleetTypoIsNamedByteForByte tests M7 for each command that takes a profile, with -p in every place, as root and as the runtime
// user.
func TestFleetTypoIsNamedByteForByte(t *testing.T) {
	parallel(t)
	b := startFleet(t, options{vol: fleetVolume(t, fleetProfile{name: "coder", port: 18000})}, []string{"coder"}, nil)
	want := "✗ no such gateway 'typo': register it with `hermes profile create typo` first, or pass an existing profile name via `-p <name>`\n"
	for _, command := range []string{"start", "stop", "restart", "status"} {
		for _, args := range [][]string{{"-p", "typo", "gateway", command}, {"gateway", "-p", "typo", command}, {"gateway", command, "-p", "typo"}, {"gateway", command, "--profile=typo"}} {
			for _, user := range []string{"0", "hermes"} {
				if r := b.exec(user, append([]string{"hermes"}, args...)...); r.Code != 1 || r.Stderr != want || r.Stdout != "" {
					t.Errorf("want code 1 and %q on stderr alone, got: %s", want, r)
				}
			}
		}
	}
	if r := b.exec("0", "sh", "-c", "ls -A /opt/data/profiles /run/service | grep typo"); r.Stdout != "" {
		t.Errorf("a typo made %s", r.Stdout)
	}
	// A name that is not valid gets a message of one line, without control characters.
	for _, name := range []string{"No Such", "../etc", "x\x1b[31m\nred", "root", strings.Repeat("x", 300)} {
		r := b.hermes("-p", name, "gateway", "stop")
		if r.Code == 0 || !strings.HasPrefix(r.Stderr, "✗ ") || strings.Count(r.Stderr, "\n") != 1 || strings.Contains(r.Stderr, "\x1b") {
			t.Errorf("want a failure in one clean line: %s", r)
		}
	}
}

// TestFleetRefusedS6CommandIsReadable checks the text of S6CommandError in M7.
func TestFleetRefusedS6CommandIsReadable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, broken string }{
		{"without rights", "chmod 000 /run/service/gateway-coder/supervise/control"},
		{"gone", "rm /run/service/gateway-coder/supervise/control"},
	} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			b := startFleet(t, options{vol: fleetVolume(t, fleetProfile{name: "coder", port: 18000, state: wantsRunning})},
				[]string{"coder"}, []string{"coder"})
			b.mustExec("0", "sh", "-c", c.broken)
			for _, action := range []string{"start", "stop", "restart"} {
				pattern := regexp.MustCompile(`^✗ s6-svc ` + action + ` on 'gateway-coder' failed \(rc=(100|111)\): s6-[a-z0-9-]+: fatal: [^\n]+\n$`)
				for _, flags := range [][]string{nil, {"--no-wait"}} {
					r := b.hermes(append([]string{"-p", "coder", "gateway", action}, flags...)...)
					if r.Code != 1 || r.Stdout != "" || !pattern.MatchString(r.Stderr) {
						t.Errorf("want code 1 and %s on stderr, got: %s", pattern, r)
					}
				}
			}
			if s := b.stateOf("coder"); s["desired_state"] != "running" {
				t.Errorf("the intent after commands that were refused: %v", s)
			}
		})
	}
}

// TestFleetGatewayCannotEndItself: a command is refused if it runs inside the slot of the gateway that it would end, and not if it
// runs elsewhere. The slot's script replaces the gateway here, because there is no way yet to make a gateway start programs.
func TestFleetGatewayCannotEndItself(t *testing.T) {
	parallel(t)
	b := startFleet(t, options{vol: fleetVolume(t, fleetProfile{name: "coder", port: 18000}, fleetProfile{name: "other", port: 18001, state: wantsRunning})},
		[]string{"coder", "other"}, []string{"other"})
	b.mustExec("hermes", "sh", "-ec", `cat >/run/service/gateway-coder/run <<'END'
#!/bin/sh
echo >&3
cd /opt/data
for action in restart stop; do
	sh -c "hermes -p coder gateway $action; echo code \$?" >out-$action 2>&1
	setsid sh -c "hermes -p coder gateway $action; echo code \$?" >out-setsid-$action 2>&1
done
sh -c "hermes gateway stop --all; echo code \$?" >out-all 2>&1
mv out-all out-all-done
exec sleep infinity
END
s6-svc -u /run/service/gateway-coder`)
	eventually(t, soon, "the child has tried everything", func() error { _, err := b.readFile("/opt/data/out-all-done"); return err })
	s, err := b.svstat("gateway-coder")
	if err != nil || !s.up {
		t.Errorf("the slot is %+v, %v", s, err)
	}
	if n := b.deaths("gateway-coder"); n != 0 {
		t.Errorf("it was ended %d times", n)
	}
	for _, action := range []string{"restart", "stop"} {
		for _, file := range []string{"out-" + action, "out-setsid-" + action} {
			out := b.file("/opt/data/" + file)
			if !strings.Contains(out, "cannot "+action+" itself") || !strings.Contains(out, "code 1\n") {
				t.Errorf("%s: %q", file, out)
			}
		}
	}
	if out := b.file("/opt/data/out-all-done"); !strings.Contains(out, "stopped: 2 of 3 gateways") || !strings.Contains(out, "code 1\n") {
		t.Errorf("stop --all from inside: %q", out)
	}
	if r := b.hermes("-p", "coder", "gateway", "stop"); r.Code != 0 {
		t.Errorf("from outside: %s", r)
	}
}

// TestFleetProfileMadeOnTheVolumeGetsItsSlotAtStart, without `profile create`.
func TestFleetProfileMadeOnTheVolumeGetsItsSlotAtStart(t *testing.T) {
	parallel(t)
	b := startFleet(t, options{vol: fleetVolume(t)}, nil, nil)
	if r := b.execInput("cd /opt/data\n"+fleetPrelude+fleetScript([]fleetProfile{{name: "late", port: 18000}}), "0", "sh", "-s"); r.Code != 0 {
		t.Fatal(r)
	}
	if out := b.mustExec("0", "hermes", "gateway", "list"); len(linesWith(out, "late", "stopped")) != 1 {
		t.Errorf("gateway list:\n%s", out)
	}
	b.mustExec("0", "hermes", "-p", "late", "gateway", "start")
	if err := b.fleetIs(withDefault([]string{"late"}), []string{"late"})(); err != nil {
		t.Errorf("the command returned, but %v", err)
	}
	for _, reboot := range reboots {
		reboot.do(b)
		b.waitFleet(withDefault([]string{"late"}), []string{"late"})
	}
}

// TestFleetCommandsAtOnceLeaveOneTruth: many commands about one gateway run at the same time. In the end the files and the
// supervisor agree, and at most one process runs.
func TestFleetCommandsAtOnceLeaveOneTruth(t *testing.T) {
	parallel(t)
	b := startFleet(t, options{vol: fleetVolume(t, fleetProfile{name: "coder", port: 18000, state: wantsRunning})},
		[]string{"coder"}, []string{"coder"})
	b.mustExec("0", "sh", "-c", `for i in 1 2 3 4; do for a in start restart stop; do hermes -p coder gateway $a & done; done >/dev/null 2>&1; wait`)
	eventually(t, soon, "files and supervisor agree", func() error {
		s, err := b.svstat("gateway-coder")
		if err != nil {
			return err
		}
		want := fmt.Sprint(b.stateOf("coder")["desired_state"])
		if s.wantedUp != (want == "running") || s.up != s.wantedUp {
			return fmt.Errorf("desired_state is %s, s6 has %+v", want, s)
		}
		if n := b.gatewaysOf()["coder"]; n > 1 || s.up && n != 1 {
			return fmt.Errorf("%d gateways", n)
		}
		return nil
	})
	b.mustExec("0", "hermes", "-p", "coder", "gateway", "restart")
	if err := b.fleetIs(withDefault([]string{"coder"}), []string{"coder"})(); err != nil {
		t.Error(err)
	}
}
