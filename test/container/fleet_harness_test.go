package container_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hermes/test/container/docker"
)

// fleetProfile is a named profile that a test writes onto a volume before a container boots on it.
type fleetProfile struct {
	name   string
	port   int    // 0: no port is written
	state  string // content of gateway_state.json; "": no such file
	config string // content of config.yaml; "": no such file
}

// fleetPrelude has the shell functions for a script that fills a volume. The script runs in /opt/data, as root.
const fleetPrelude = `set -eu
umask 022
profile() {
	mkdir -p -- "profiles/$1"
	printf 'You are a test.\n' >"profiles/$1/SOUL.md"
	printf 'API_SERVER_KEY=hk-0123456789abcdef0123456789abcdef\n' >"profiles/$1/.env"
	if [ "${2:-0}" != 0 ]; then printf 'API_SERVER_PORT=%s\n' "$2" >>"profiles/$1/.env"; fi
	chmod 0600 "profiles/$1/.env"
	if [ -n "${3:-}" ]; then printf '%s\n' "$3" >"profiles/$1/gateway_state.json"; fi
	if [ -n "${4:-}" ]; then printf '%s\n' "$4" >"profiles/$1/config.yaml"; fi
}
`

// fleetVolume makes a volume with some profiles. Everything on it belongs to the runtime user.
func fleetVolume(t *testing.T, profiles ...fleetProfile) string {
	t.Helper()
	vol := volume(t)
	fillVolume(t, vol, fleetScript(profiles))
	return vol
}

func fleetScript(profiles []fleetProfile) string {
	var b strings.Builder
	for _, p := range profiles {
		fmt.Fprintf(&b, "profile %s %d %s %s\n", shellQuote(p.name), p.port, shellQuote(p.state), shellQuote(p.config))
	}
	return b.String() + fmt.Sprintf("chown -hR %d:%[1]d /opt/data\n", runtimeUID)
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// fillVolume runs a shell script as root in /opt/data, while nothing of hermes runs.
func fillVolume(t *testing.T, vol, script string, flags ...string) {
	t.Helper()
	args := []string{"run", "--rm", "-i", "--label", docker.Label, "--network", "none",
		"-v", vol + ":/opt/data", "-w", "/opt/data", "--entrypoint", "sh", "--user", "0"}
	r := doWithInput(t, fleetPrelude+script, append(append(args, flags...), image, "-s")...)
	if err := r.Failed(); err != nil {
		t.Fatal(err)
	}
}

// fleetOf returns n profiles p00, p01 ..., each with its own port.
func fleetOf(n int, state string) []fleetProfile {
	list := make([]fleetProfile, n)
	for i := range list {
		list[i] = fleetProfile{name: fmt.Sprintf("p%02d", i), port: 18000 + i, state: state}
	}
	return list
}

func profileNames(list []fleetProfile) []string {
	var all []string
	for _, p := range list {
		all = append(all, p.name)
	}
	return all
}

const wantsRunning = `{"desired_state":"running"}`

// slotStatus is a line of fleetStatus.
type slotStatus struct {
	status
	exitCode int
	nap      bool // it waits in a backoff
}

// fleetStatus returns the status of all gateways' slots, by profile, with one call.
func (b *box) fleetStatus() (map[string]slotStatus, error) {
	b.t.Helper()
	r := b.exec("0", "sh", "-c", `for d in /run/service/gateway-*; do
	s=$(s6-svstat -o up,ready,wantedup,pid,exitcode,updownsince "$d" 2>&1) || s="cannot: $s"
	nap=no; [ ! -f "$d/data/nap" ] || nap=yes
	echo "${d##*/gateway-} $s $nap"
done`)
	if err := r.Failed(); err != nil {
		return nil, err
	}
	all := map[string]slotStatus{}
	for line := range strings.Lines(r.Stdout) {
		f := strings.Fields(line)
		if len(f) != 8 {
			return nil, fmt.Errorf("%q", strings.TrimSpace(line))
		}
		pid, err1 := strconv.Atoi(f[4])
		code, err2 := strconv.Atoi(f[5])
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("%q", strings.TrimSpace(line))
		}
		all[f[0]] = slotStatus{status{up: f[1] == "true", ready: f[2] == "true", wantedUp: f[3] == "true", life: life{pid, f[6]}}, code, f[7] == "yes"}
	}
	return all, nil
}

// fleetIs is a condition: the container's CMD runs; exactly these profiles have slots; the gateways of up are ready; and the others
// are down and wanted down.
func (b *box) fleetIs(all, up []string) func() error {
	return func() error {
		slots, err := b.fleetStatus()
		if err != nil {
			return err
		}
		var wrong []string
		for _, name := range all {
			s, ok := slots[name]
			switch run := slices.Contains(up, name); {
			case !ok:
				wrong = append(wrong, name+" has no slot")
			case run && !(s.up && s.ready && s.wantedUp && !s.nap), !run && (s.up || s.wantedUp):
				wrong = append(wrong, fmt.Sprintf("%s is %+v, want it to run: %t", name, s, run))
			}
			delete(slots, name)
		}
		for name := range slots {
			wrong = append(wrong, name+" has a slot")
		}
		if len(wrong) > 0 {
			slices.Sort(wrong)
			return fmt.Errorf("%s", strings.Join(wrong, "; "))
		}
		return b.running()
	}
}

// waitFleet waits for fleetIs, and for the container's CMD, which a boot starts last.
func (b *box) waitFleet(all, up []string) {
	b.t.Helper()
	eventually(b.t, soon, "the right gateways run", func() error {
		if err := b.fleetIs(all, up)(); err != nil {
			return err
		}
		if n := len(only(b.ps(), process.isHeartbeat)); n != 1 {
			return fmt.Errorf("%d heartbeats", n)
		}
		return nil
	})
}

// withDefault adds the default profile, which always has a slot.
func withDefault(names []string) []string { return append([]string{"default"}, names...) }

// startFleet boots a container on a volume, with a CMD that does nothing, and waits until the gateways of up run.
func startFleet(t *testing.T, o options, all, up []string) *box {
	t.Helper()
	b := start(t, o, "sleep", "infinity")
	b.waitFleet(withDefault(all), up)
	return b
}

// reboots are the two ways to start the same container again.
var reboots = []struct {
	name string
	do   func(*box)
}{
	{"docker restart", func(b *box) { b.t.Helper(); must(b.t, "restart", "-t", "30", b.name) }},
	{"docker kill", func(b *box) { b.t.Helper(); must(b.t, "kill", b.name); must(b.t, "start", b.name) }},
}

// gatewaysOf returns the number of gateway processes of each profile.
func (b *box) gatewaysOf() map[string]int {
	b.t.Helper()
	count := map[string]int{}
	for _, p := range only(b.ps(), process.isGateway) {
		name := "default"
		if i := slices.Index(p.Cmdline, "-p"); i > 0 && i+1 < len(p.Cmdline) {
			name = p.Cmdline[i+1]
		}
		count[name]++
	}
	return count
}

// oneGatewayEach is a condition: each of these profiles has one gateway process, and no other profile has any.
func (b *box) oneGatewayEach(up []string) func() error {
	return func() error {
		count := b.gatewaysOf()
		for _, name := range up {
			if count[name] != 1 {
				return fmt.Errorf("%d gateways of %s, in %v", count[name], name, count)
			}
		}
		if len(count) != len(up) {
			return fmt.Errorf("gateways of %v, want those of %v", count, up)
		}
		return nil
	}
}

func homeOf(name string) string {
	if name == "default" {
		return "/opt/data"
	}
	return "/opt/data/profiles/" + name
}

// stateOf returns the content of gateway_state.json of a profile, or nil if there is none.
func (b *box) stateOf(name string) map[string]any {
	b.t.Helper()
	r := b.exec("0", "cat", homeOf(name)+"/gateway_state.json")
	if r.Code != 0 {
		return nil
	}
	return decode[map[string]any](b.t, r.Stdout)
}

// hermes runs hermes in the container and returns the result.
func (b *box) hermes(args ...string) docker.Result {
	b.t.Helper()
	return b.exec("0", append([]string{"hermes"}, args...)...)
}

const bootLogFile = "/opt/data/logs/container-boot.log"

// bootLine is a line of the boot log.
type bootLine struct {
	text                           string
	profile, prior, action, reason string
}

// bootLines reads the boot log from an offset on.
func (b *box) bootLines(from int) []bootLine {
	b.t.Helper()
	text := b.mustExec("0", "cat", bootLogFile) + "\n"
	var all []bootLine
	for line := range strings.Lines(text[min(from, len(text)):]) {
		l, err := parseBootLine(strings.TrimSuffix(line, "\n"))
		if err != nil {
			b.t.Errorf("the boot log has %q: %v", line, err)
		}
		all = append(all, l)
	}
	return all
}

func (b *box) bootLogSize() int {
	b.t.Helper()
	return len(b.mustExec("0", "cat", bootLogFile)) + 1
}

// parseBootLine checks the format of contract "On disk", so that a profile can add neither a line nor a field.
func parseBootLine(line string) (l bootLine, err error) {
	l.text = line
	stamp, rest, _ := strings.Cut(line, " ")
	if _, err := time.Parse(time.RFC3339, stamp); err != nil {
		return l, err
	}
	for _, f := range []struct {
		key  string
		into *string
	}{{"profile", &l.profile}, {"prior_state", &l.prior}, {"action", &l.action}, {"reason", &l.reason}} {
		if rest == "" && f.key == "reason" {
			return l, nil
		}
		value, found := strings.CutPrefix(rest, f.key+"=")
		if !found {
			return l, fmt.Errorf("no %s in %q", f.key, rest)
		}
		if quoted, err := strconv.QuotedPrefix(value); err == nil && value[0] == '"' {
			if *f.into, err = strconv.Unquote(quoted); err != nil {
				return l, err
			}
			rest = strings.TrimPrefix(value[len(quoted):], " ")
			continue
		}
		*f.into, rest, _ = strings.Cut(value, " ")
	}
	if rest != "" {
		return l, fmt.Errorf("%q is too much", rest)
	}
	return l, nil
}

// death is a line of s6-svdt.
type death struct {
	at  time.Time
	how string // such as "exitcode 1"
}

// deathTimes returns when and how the runs of a slot ended, the oldest first.
func (b *box) deathTimes(slot string) []death {
	b.t.Helper()
	var all []death
	for line := range strings.Lines(b.mustExec("0", "s6-svdt", slotPath(slot))) {
		label, how, _ := strings.Cut(strings.TrimSpace(line), " ")
		raw, err := hex.DecodeString(strings.TrimPrefix(label, "@"))
		if err != nil || len(raw) != 12 {
			b.t.Fatalf("s6-svdt says %q", line)
		}
		all = append(all, death{time.Unix(int64(binary.BigEndian.Uint64(raw[:8])-1<<62), int64(binary.BigEndian.Uint32(raw[8:]))), how})
	}
	return all
}

// isServing is a condition: the API server of a profile answers on its port.
func (b *box) isServing(port int) func() error {
	return func() error {
		if r := b.http("GET", fmt.Sprintf("http://127.0.0.1:%d/ready", port), ""); r.Status != 200 {
			return fmt.Errorf("port %d: %+v", port, r)
		}
		return nil
	}
}
