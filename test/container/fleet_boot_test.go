package container_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hermes/test/container/docker"
)

// bootRow is one row of the table in contract "Boot".
type bootRow struct {
	name    string
	state   string // gateway_state.json when the container goes down; "" for no file
	up      bool
	prior   string // prior_state in the boot log; "" if it is not checked
	hasNote bool   // the boot log must give a reason
}

// bootRows lists every desired state with every gateway state of the contract's table.
func bootRows() []bootRow {
	var rows []bootRow
	for _, desired := range []string{"", "running", "stopped"} {
		for _, state := range []string{"running", "degraded", "draining", "starting", "stopped", "startup_failed", ""} {
			var fields []string
			if desired != "" {
				fields = append(fields, fmt.Sprintf("%q: %q", "desired_state", desired))
			}
			if state != "" {
				fields = append(fields, fmt.Sprintf("%q: %q", "gateway_state", state))
			}
			r := bootRow{name: fmt.Sprintf("want-%s-was-%s", orNone(desired), orNone(state)), prior: orNone(state)}
			r.state = "{" + strings.Join(fields, ", ") + "}"
			switch {
			case desired == "stopped" || state == "startup_failed":
			case desired == "running":
				r.up = true
			default:
				r.up = state == "running" || state == "degraded" || state == "draining"
			}
			rows = append(rows, r)
		}
	}
	return append(rows,
		bootRow{name: "no-file", prior: "none"},
		bootRow{name: "half-written", state: `{"gateway_state": "runn`, hasNote: true},
		bootRow{name: "not-json", state: "gateway_state=running", hasNote: true},
		bootRow{name: "wrong-type", state: `["gateway_state", "running"]`, hasNote: true},
		bootRow{name: "with-foreign-fields", state: `{"gateway_state": "running", "pid": 1, "x-ours": {"a": [1]}}`, up: true, prior: "running"},
	)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return strings.ReplaceAll(s, "_", "-")
}

// TestFleetBootTable uses one container with a profile for every row. It boots with all gateways down, gets the states, and goes
// down and up again.
func TestFleetBootTable(t *testing.T) {
	t.Parallel()
	for _, reboot := range reboots {
		t.Run(reboot.name, func(t *testing.T) {
			parallel(t)
			rows := bootRows()
			var profiles []fleetProfile
			var all, up []string
			states := fleetPrelude + "cd /opt/data/profiles\n"
			for i, r := range rows {
				profiles = append(profiles, fleetProfile{name: r.name, port: 18000 + i})
				all = append(all, r.name)
				if r.up {
					up = append(up, r.name)
				}
				if r.state != "" {
					states += fmt.Sprintf("printf '%%s' %s >%s/gateway_state.json\n", shellQuote(r.state), r.name)
				}
				// Stale files of a process that does not live any more. A process with pid 1 does live.
				states += fmt.Sprintf(`echo '{"pid": 1, "start_time": 1}' >%s/gateway.pid; echo '[]' >%[1]s/processes.json`+"\n", r.name)
			}
			b := startFleet(t, options{vol: fleetVolume(t, profiles...)}, all, nil)
			if r := b.execInput(states, "hermes", "sh", "-s"); r.Code != 0 {
				t.Fatal(r)
			}
			before := b.bootLogSize()
			reboot.do(b)
			b.waitFleet(withDefault(all), up)
			throughout(t, 2*time.Second, "it stays so", b.fleetIs(withDefault(all), up))
			if err := b.oneGatewayEach(up)(); err != nil {
				t.Error(err)
			}

			lines := map[string][]bootLine{}
			for _, l := range b.bootLines(before) {
				lines[l.profile] = append(lines[l.profile], l)
			}
			if n := len(lines); n != len(all)+1 {
				t.Errorf("the boot log has lines about %d profiles, want %d", n, len(all)+1)
			}
			for _, r := range rows {
				if len(lines[r.name]) != 1 {
					t.Errorf("the boot log has of %s: %v, want one line", r.name, lines[r.name])
					continue
				}
				l, want := lines[r.name][0], "registered"
				if r.up {
					want = "started"
				}
				if l.action != want || r.prior != "" && orNone(l.prior) != r.prior || r.hasNote != (l.reason != "") {
					t.Errorf("the boot log says %q; want action %s, prior state %q, a reason: %t", l.text, want, r.prior, r.hasNote)
				}
			}
			if stale := b.mustExec("0", "sh", "-c", "cd /opt/data/profiles; for p in "+strings.Join(without(all, up), " ")+`; do
	for f in gateway.pid processes.json; do [ ! -e $p/$f ] || echo $p/$f; done; done`); stale != "" {
				t.Errorf("stale files are still there:\n%s", stale)
			}
			if s := b.stateOf("with-foreign-fields"); fmt.Sprint(s["x-ours"]) != "map[a:[1]]" || s["gateway_state"] != "running" {
				t.Errorf("a foreign field did not survive: %v", s)
			}
		})
	}
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}

// TestFleetSurvivesTenRestarts with 20 profiles, half of them stopped by the operator. Nothing may change.
func TestFleetSurvivesTenRestarts(t *testing.T) {
	parallel(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	profiles := fleetOf(20, wantsRunning)
	all := profileNames(profiles)
	b := startFleet(t, options{vol: fleetVolume(t, profiles...)}, all, all)

	stopped := slices.Clone(all)
	rnd.Shuffle(len(stopped), func(i, j int) { stopped[i], stopped[j] = stopped[j], stopped[i] })
	stopped = stopped[:10]
	up := without(all, stopped)
	t.Logf("stopped: %v", stopped)
	b.mustExec("0", "sh", "-ec", "for p in "+strings.Join(stopped, " ")+"; do hermes -p $p gateway stop; done")
	b.waitFleet(withDefault(all), up)
	for i := range 10 {
		reboot := reboots[rnd.IntN(len(reboots))]
		begin := time.Now()
		reboot.do(b)
		b.waitFleet(withDefault(all), up)
		if err := b.oneGatewayEach(up)(); err != nil {
			t.Fatalf("after restart %d (%s): %v", i+1, reboot.name, err)
		}
		t.Logf("restart %d (%s): as before after %s", i+1, reboot.name, time.Since(begin).Round(time.Millisecond))
	}
	for _, name := range all {
		s, want := b.stateOf(name), "running"
		if slices.Contains(stopped, name) {
			want = "stopped"
		}
		if s["gateway_state"] != want || s["desired_state"] != want {
			t.Errorf("%s: %v, want %s", name, s, want)
		}
	}
	b.everythingBelongsTo("10000:10000")
}

// TestFleetGatewayKilledWhileDrainingComesBack: draining is a passing state and does not say what the operator wants.
func TestFleetGatewayKilledWhileDrainingComesBack(t *testing.T) {
	parallel(t)
	b := startWithModel(t, options{})
	flags := b.bearer()
	done := make(chan struct{})
	go func() {
		defer close(done)
		cmd := append([]string{"exec", "-i", "-u", "hermes", b.name, docker.TestClientPath, "http", "-method", "POST"}, flags...)
		docker.Do(t.Context(), strings.NewReader(chatBody("be slow", true)), append(cmd, apiURL+"/v1/chat/completions")...)
	}()
	// 01 means ESTABLISHED, 270F is the model's port (proc_net_tcp(5)).
	eventually(t, soon, "the gateway asks the model", func() error {
		return b.exec("0", "grep", "-q", " 0100007F:270F 01 ", "/proc/net/tcp").Failed()
	})
	b.mustExec("0", "s6-svscanctl", "-t", "/run/service") // docker stop does the same
	eventually(t, soon, "it drains", func() error {
		if s := b.stateOf("default")["gateway_state"]; s != "draining" {
			return fmt.Errorf("gateway_state is %v", s)
		}
		return nil
	})
	must(t, "kill", b.name)
	<-done
	if s := b.gatewayState()["gateway_state"]; s != "draining" {
		t.Fatalf("gateway_state is %v when the container was killed: the test came too late", s)
	}
	must(t, "start", b.name)
	b.waitReady(gatewaySlot)
}

// TestFleetBootstrapStateSeedsTheDefaultProfileOnce: the variable counts only on a volume without a state.
func TestFleetBootstrapStateSeedsTheDefaultProfileOnce(t *testing.T) {
	parallel(t)
	vol := fleetVolume(t, fleetProfile{name: "other", port: 18000})
	b := startFleet(t, options{vol: vol, env: []string{"HERMES_GATEWAY_BOOTSTRAP_STATE=running"}}, []string{"other"}, []string{"default"})
	b.mustExec("0", "hermes", "gateway", "stop")
	for _, reboot := range reboots {
		reboot.do(b)
		b.waitFleet(withDefault([]string{"other"}), nil)
	}
}

// TestFleetHealsOwnershipAtBoot: files that root made in profiles/ get the runtime user as their owner. Links are not followed, and
// trees whose top has the right owner are not walked.
func TestFleetHealsOwnershipAtBoot(t *testing.T) {
	t.Parallel()
	for _, reboot := range reboots {
		t.Run(reboot.name, func(t *testing.T) {
			parallel(t)
			b := startFleet(t, options{vol: fleetVolume(t, fleetProfile{name: "coder", port: 18000, state: wantsRunning})},
				[]string{"coder"}, []string{"coder"})
			b.mustExec("0", "sh", "-ec", `
mkdir /root/outside; echo secret >/root/outside/file; chmod 0700 /root/outside
cd /opt/data/profiles/coder
echo x >made-by-root; chmod 0600 made-by-root
mkdir -p tree/a/b/c; echo x >tree/a/b/c/file; chmod 0700 tree
ln -s /root/outside link-to-dir; ln -s /root/outside/file link-to-file; ln -s /etc/shadow tree/a/shadow; ln -s /nowhere dangling
mkfifo fifo
ln /opt/data/profiles/coder/made-by-root ../second-name
mkdir -p right/deep; echo x >right/deep/file; chown 10000:10000 right
mkdir ../whole; echo 'You are new.' >../whole/SOUL.md; sed s/18000/18001/ .env >../whole/.env; chmod 0600 ../whole/.env; mkdir -p ../whole/sub; echo x >../whole/sub/file; chmod 0700 ../whole
mkdir -p /opt/data/logs/gateways/whole; echo x >/opt/data/logs/gateways/whole/current`)
			before := b.mustExec("0", "sh", "-c", ownersOutside)
			reboot.do(b)
			b.waitFleet(withDefault([]string{"coder", "whole"}), []string{"coder"})

			if after := b.mustExec("0", "sh", "-c", ownersOutside); after != before {
				t.Errorf("outside the volume, before:\n%s\nafter:\n%s", before, after)
			}
			// Two kinds of files must keep their owner: a file with a second name, and what is below a directory whose owner is
			// right.
			left := []string{"/opt/data/profiles/coder/made-by-root", "/opt/data/profiles/coder/right/deep",
				"/opt/data/profiles/coder/right/deep/file", "/opt/data/profiles/second-name"}
			wrong := strings.Fields(b.mustExec("0", "find", "/opt/data", "(", "!", "-uid", "10000", "-o", "!", "-gid", "10000", ")", "-print"))
			slices.Sort(wrong)
			if !slices.Equal(wrong, left) {
				t.Errorf("not the runtime user's after the boot: %v, want %v", wrong, left)
			}
			b.mustExec("0", "hermes", "-p", "whole", "gateway", "start")
		})
	}
}

const ownersOutside = `ls -ldn /root /root/outside /root/outside/file /etc /etc/shadow /etc/passwd; cat /root/outside/file`
