package container_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"hermes/test/container/docker"
)

// derivedPort has its own implementation of M11: the first eight bytes of the name's SHA-256, mapped into [9200, 9800).
func derivedPort(name string) int {
	sum := sha256.Sum256([]byte(name))
	return 9200 + int(binary.BigEndian.Uint64(sum[:8])%600)
}

// namesThatCollide returns n names with the same derived port, and one name whose derived port is the next.
func namesThatCollide(t *testing.T, n int) (same []string, neighbour string) {
	t.Helper()
	byPort := map[int][]string{}
	for i := range 100000 {
		name := fmt.Sprintf("agent-%d", i)
		port := derivedPort(name)
		byPort[port] = append(byPort[port], name)
		if next := byPort[port+1]; len(byPort[port]) >= n && len(next) > 0 {
			return byPort[port][:n], next[0]
		}
	}
	t.Fatal("no names collide")
	return nil, ""
}

// portOf returns the port in a profile's own .env.
func (b *box) portOf(name string) int {
	b.t.Helper()
	var port int
	text := b.mustExec("0", "sh", "-c", "sed -n s/^API_SERVER_PORT=//p "+homeOf(name)+"/.env")
	if _, err := fmt.Sscan(strings.Trim(text, `"'`), &port); err != nil {
		b.t.Fatalf("the port of %s is %q: %v", name, text, err)
	}
	return port
}

// TestFleetCollidingPortsBothServe: profiles with the same derived port start at the same time. Each gets its own port and keeps it,
// whichever other profiles come and go. The container's API_SERVER_PORT does not count for them.
func TestFleetCollidingPortsBothServe(t *testing.T) {
	parallel(t)
	same, neighbour := namesThatCollide(t, 3)
	t.Logf("%v collide at %d, %s is next to them", same, derivedPort(same[0]), neighbour)
	var profiles []fleetProfile
	for _, name := range append([]string{neighbour}, same...) {
		profiles = append(profiles, fleetProfile{name: name, state: wantsRunning})
	}
	all := profileNames(profiles)
	b := startFleet(t, options{vol: fleetVolume(t, profiles...), env: []string{"API_SERVER_PORT=7777"}}, all, all)
	ports := map[string]int{}
	check := func() {
		t.Helper()
		owner := map[int]string{}
		for _, name := range all {
			port := b.portOf(name)
			if other, taken := owner[port]; taken {
				t.Errorf("%s and %s have port %d", name, other, port)
			}
			owner[port] = name
			if first, known := ports[name]; known && first != port {
				t.Errorf("%s moved from port %d to %d", name, first, port)
			}
			ports[name] = port
			if port < 9200 || port >= 9800 {
				t.Errorf("%s has port %d, outside of [9200, 9800)", name, port)
			}
			if err := b.isServing(port)(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	check()
	if owners := len(only(b.ps(), process.isGateway)); owners != len(all) {
		t.Errorf("%d gateways, want %d", owners, len(all))
	}
	for _, reboot := range reboots {
		reboot.do(b)
		b.waitFleet(withDefault(all), all)
		check()
	}
	// The first one is deleted; the others keep their ports.
	if r := b.hermes("profile", "delete", "-y", same[0]); r.Code != 0 {
		t.Fatal(r)
	}
	all = without(all, same[:1])
	b.hermes("gateway", "restart", "--all")
	b.waitFleet(withDefault(all), all)
	check()
	b.mustExec("0", "hermes", "gateway", "start")
	if err := b.isServing(7777)(); err != nil {
		t.Errorf("the default profile and API_SERVER_PORT: %v", err)
	}
}

// TestFleetCreateMovesAPortThatIsOwned, even if the other profile has written the derived port as its own.
func TestFleetCreateMovesAPortThatIsOwned(t *testing.T) {
	parallel(t)
	same, _ := namesThatCollide(t, 2)
	port := derivedPort(same[0])
	b := startFleet(t, options{vol: fleetVolume(t, fleetProfile{name: "squatter", port: port, state: wantsRunning})}, []string{"squatter"}, []string{"squatter"})
	for _, name := range same {
		if r := b.hermes("profile", "create", name); r.Code != 0 {
			t.Fatal(r)
		}
	}
	all := append([]string{"squatter"}, same...)
	if err := b.fleetIs(withDefault(all), []string{"squatter"})(); err != nil {
		t.Errorf("create registers a slot, down: %v", err)
	}
	for _, name := range same {
		if r := b.hermes("-p", name, "gateway", "start"); r.Code != 0 {
			t.Error(r)
		}
		if got := b.portOf(name); got == port {
			t.Errorf("%s took port %d, which is another's", name, got)
		} else if err := b.isServing(got)(); err != nil {
			t.Error(err)
		}
	}
	if err := b.isServing(port)(); err != nil {
		t.Errorf("the owner: %v", err)
	}
}

// nothingOf checks that a deleted profile left no slot, process or file, and that the root profile is complete.
func (b *box) nothingOf(name string) error {
	b.t.Helper()
	r := b.exec("0", "sh", "-c", `find /opt/data /run/service -name "*`+name+`*" -not -path '*/container-boot.log*'`)
	if r.Code != 0 || strings.TrimSpace(r.Stdout) != "" {
		return fmt.Errorf("left: %s", r)
	}
	if left := only(b.ps(), func(p process) bool { return strings.Contains(strings.Join(p.Cmdline, " "), name) }); len(left) > 0 {
		return fmt.Errorf("left: %v", left)
	}
	for _, f := range []string{"/opt/data/SOUL.md", "/opt/data/.env"} {
		if r := b.exec("0", "test", "-s", f); r.Code != 0 {
			return fmt.Errorf("%s is gone", f)
		}
	}
	return nil
}

func TestFleetDeleteWhileRunningLeavesNothing(t *testing.T) {
	parallel(t)
	b := startFleet(t, options{vol: fleetVolume(t, fleetOf(2, wantsRunning)...)}, []string{"p00", "p01"}, []string{"p00", "p01"})
	b.mustExec("0", "hermes", "gateway", "start")
	root := b.waitReady(gatewaySlot)
	if r := b.hermes("profile", "delete", "p00"); r.Code != 2 || !strings.Contains(r.Stderr, "--yes") {
		t.Errorf("without a terminal, want code 2 and --yes: %s", r)
	}
	if r := b.hermes("profile", "delete", "-y", "p00"); r.Code != 0 {
		t.Fatal(r)
	}
	gone := func() error {
		if err := b.nothingOf("p00"); err != nil {
			return err
		}
		return b.fleetIs([]string{"default", "p01"}, []string{"default", "p01"})()
	}
	if err := gone(); err != nil {
		t.Errorf("the command returned, but %v", err)
	}
	throughout(t, 3*time.Second, "it stays away", gone)
	r := b.hermes("profile", "delete", "-y", "p00")
	if r.Code != 1 || !strings.HasPrefix(r.Stderr, "✗ ") || !strings.Contains(r.Stderr, "p00") {
		t.Errorf("twice, want code 1 and why: %s", r)
	}
	if err := b.isStill(gatewaySlot, root); err != nil {
		t.Errorf("the root profile's gateway: %v", err)
	}
	if r := b.hermes("profile", "delete", "-y", "default"); r.Code == 0 {
		t.Errorf("the root profile was deleted: %s", r)
	}
	for _, reboot := range reboots {
		reboot.do(b)
		b.waitFleet([]string{"default", "p01"}, []string{"default", "p01"})
		if err := gone(); err != nil {
			t.Errorf("after %s: %v", reboot.name, err)
		}
	}
}

// TestFleetDeleteTwiceAtOnce: one command deletes the profile; the others do so too or say that it is gone. None fails in another
// way.
func TestFleetDeleteTwiceAtOnce(t *testing.T) {
	parallel(t)
	profiles := fleetOf(6, wantsRunning)
	all := profileNames(profiles)
	b := startFleet(t, options{vol: fleetVolume(t, profiles...)}, all, all)
	for _, name := range all {
		r := b.exec("0", "sh", "-c", `for i in 1 2 3; do (hermes profile delete -y `+name+` 2>&1; echo "code $?") & done; wait`)
		if n := len(linesWith(r.Stdout, "code 0")); n == 0 {
			t.Errorf("nobody deleted %s: %s", name, r)
		}
		for line := range strings.Lines(r.Stdout) {
			if strings.HasPrefix(line, "✗") && !strings.Contains(line, "no such") { // and no command waited for the deleted profile
				t.Errorf("%s: %s", name, line)
			}
		}
		if err := b.nothingOf(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.fleetIs([]string{"default"}, nil)(); err != nil {
		t.Error(err)
	}
}

// TestFleetDeleteDuringARestart: another command, a crash or a restart of the whole tree restarts the gateway. The profile is gone
// and does not come back.
func TestFleetDeleteDuringARestart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, script string }{
		{"hermes gateway restart", `for i in 1 2 3 4; do hermes -p %s gateway restart; done`},
		{"restart --all", `hermes gateway restart --all`},
		{"a crash", `for i in 1 2 3 4 5 6; do s6-svc -k /run/service/gateway-%s; sleep 0.05; done`},
		{"gateway start", `for i in 1 2 3 4; do hermes -p %s gateway start; done`},
	} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			profiles := fleetOf(4, wantsRunning)
			all := profileNames(profiles)
			b := startFleet(t, options{vol: fleetVolume(t, profiles...)}, all, all)
			for i, name := range all {
				script := strings.ReplaceAll(c.script, "%s", name)
				// Delete after another delay each time.
				r := b.exec("0", "sh", "-c", fmt.Sprintf("(%s) >/tmp/said 2>&1 & sleep 0.%d; hermes profile delete -y %s; echo code $?; wait; cat /tmp/said", script, i, name))
				if strings.Contains(r.Stdout, "'gateway-"+name+"' is not ready after") {
					t.Errorf("a command waited for what was gone: %s", r)
				}
				if !strings.Contains(r.Stdout, "code 0") {
					t.Errorf("delete of %s: %s", name, r)
				}
				if err := b.nothingOf(name); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			reboots[1].do(b)
			b.waitFleet([]string{"default"}, nil)
		})
	}
}

// TestFleetDeleteWhileTheContainerGoesDownCanBeRepeated: the profile is deleted or not, and no half of it boots.
func TestFleetDeleteWhileTheContainerGoesDownCanBeRepeated(t *testing.T) {
	parallel(t)
	profiles := fleetOf(3, wantsRunning)
	all := profileNames(profiles)
	b := startFleet(t, options{vol: fleetVolume(t, profiles...)}, all, all)
	for i, name := range all {
		b.background("0", "hermes", "profile", "delete", "-y", name)
		if i > 0 {
			eventually(t, soon, "the delete has begun, or is over", func() error {
				if r := b.exec("0", "sh", "-c", "test ! -e /run/service/gateway-"+name); r.Code != 0 {
					return r.Failed()
				}
				return nil
			})
		}
		reboots[1].do(b)
		eventually(t, soon, "the container is up", func() error {
			if n := len(only(b.ps(), process.isHeartbeat)); n != 1 {
				return fmt.Errorf("%d heartbeats", n)
			}
			return nil
		})
		r := b.hermes("profile", "delete", "-y", name)
		if r.Code != 0 && !strings.Contains(r.Stderr, "no such") {
			t.Errorf("once more: %s", r)
		}
		if err := b.nothingOf(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.waitFleet([]string{"default"}, nil)
}

// TestFleetRenameImportAndCloneRegister tests what M10 says about these commands, and that their profiles boot as they were.
func TestFleetRenameImportAndCloneRegister(t *testing.T) {
	parallel(t)
	b := startFleet(t, options{vol: fleetVolume(t, fleetProfile{name: "coder", port: 18000, state: wantsRunning})}, []string{"coder"}, []string{"coder"})
	steps := []struct {
		args    []string
		all, up []string
	}{
		{[]string{"profile", "create", "fresh"}, []string{"coder", "fresh"}, []string{"coder"}},
		{[]string{"profile", "create", "twin", "--clone-from", "coder"}, []string{"coder", "fresh", "twin"}, []string{"coder"}},
		{[]string{"profile", "rename", "coder", "writer"}, []string{"fresh", "twin", "writer"}, []string{"writer"}},
		{[]string{"profile", "export", "fresh", "-o", "/tmp/fresh.tar.zst"}, []string{"fresh", "twin", "writer"}, []string{"writer"}},
		{[]string{"profile", "delete", "fresh", "-y"}, []string{"twin", "writer"}, []string{"writer"}},
		{[]string{"profile", "import", "/tmp/fresh.tar.zst"}, []string{"fresh", "twin", "writer"}, []string{"writer"}},
	}
	for _, s := range steps {
		if r := b.hermes(s.args...); r.Code != 0 {
			t.Fatal(r)
		}
		eventually(t, soon, strings.Join(s.args, " "), b.fleetIs(withDefault(s.all), s.up))
	}
	for _, name := range []string{"fresh", "twin"} {
		b.mustExec("0", "hermes", "-p", name, "gateway", "start")
	}
	keys := b.mustExec("0", "sh", "-c", "cat /opt/data/.env /opt/data/profiles/*/.env | sed -n s/^API_SERVER_KEY=//p | sort -u | wc -l")
	if keys != "4" {
		t.Errorf("%s different keys, want one for each of 4 profiles", keys)
	}
	for _, reboot := range reboots {
		reboot.do(b)
		b.waitFleet([]string{"default", "fresh", "twin", "writer"}, []string{"fresh", "twin", "writer"})
	}
	b.everythingBelongsTo("10000:10000")
}

// TestFleetCopiesLeaveOutWhatCannotBeRead: a volume that is a separate file system has a lost+found of root's in the default
// profile's home.
func TestFleetCopiesLeaveOutWhatCannotBeRead(t *testing.T) {
	parallel(t)
	vol := volume(t)
	fillVolume(t, vol, `mkdir -p skills/locked; echo skill >skills/a; echo x >skills/locked/x; echo secret-of-root >skills/rooted
echo 'You are a test.' >SOUL.md; chown -hR 10000:10000 /opt/data
mkdir lost+found; chown 0:0 skills/locked skills/rooted; chmod 0700 lost+found skills/locked; chmod 0600 skills/rooted
`)
	b := start(t, options{vol: vol, flags: []string{"--user", "10000:10000"}}, "gateway", "run") // without root no boot changes the owners
	b.waitReady(gatewaySlot)
	unread := []string{
		`left out (it cannot be read: permission denied): "skills/locked", "skills/rooted"`,
		`left out (its name is one of locks, logs and other files of this volume): "lost+found"`,
	}
	for what, r := range map[string]docker.Result{
		"export": b.hermes("profile", "export", "-o", "/tmp/default.tar.zst"),
		"clone":  b.hermes("profile", "create", "clone", "--clone-from", "default"),
	} {
		if r.Code != 0 {
			t.Errorf("%s: %v", what, r)
		}
		for _, line := range unread {
			if !strings.Contains(r.Stderr, line+"\n") {
				t.Errorf("%s does not say %q: %v", what, line, r)
			}
		}
	}
	if r := b.hermes("profile", "import", "/tmp/default.tar.zst", "--as", "twin"); r.Code != 0 {
		t.Fatal(r)
	}
	for _, name := range []string{"clone", "twin"} {
		if got := b.mustExec("0", "ls", homeOf(name)+"/skills"); got != "a" {
			t.Errorf("skills of %s: %q", name, got)
		}
	}
}
