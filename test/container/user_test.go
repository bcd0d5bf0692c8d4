package container_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestUIDRemap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		env  []string
		want string
	}{
		{"HERMES_UID and HERMES_GID", []string{"HERMES_UID=1234", "HERMES_GID=1234"}, "1234:1234"},
		{"a group that Debian has", []string{"HERMES_UID=99", "HERMES_GID=100"}, "99:100"},
		{"a user that Debian has", []string{"HERMES_UID=33", "HERMES_GID=33"}, "33:33"},
		{"PUID and PGID", []string{"PUID=1500", "PGID=1600"}, "1500:1600"},
		{"HERMES_* win", []string{"HERMES_UID=1234", "PUID=99", "HERMES_GID=1235", "PGID=100"}, "1234:1235"},
		{"the highest", []string{"HERMES_UID=65534", "HERMES_GID=65534"}, "65534:65534"},
		{"a group of Synology's", []string{"PUID=1026", "PGID=65536"}, "1026:65536"},
		{"the highest of 32 bits", []string{"HERMES_UID=4294967294", "HERMES_GID=4294967294"}, "4294967294:4294967294"},
		{"the lowest", []string{"HERMES_UID=1", "HERMES_GID=1"}, "1:1"},
		{"uid alone", []string{"HERMES_UID=1234"}, "1234:10000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			b := startGateway(t, options{env: c.env})
			for _, p := range b.ps() {
				if got := fmt.Sprintf("%d:%d", p.UID, p.GID); p.UID != 0 && got != c.want {
					t.Errorf("%v is %s, want %s", p, got, c.want)
				}
			}
			if got := b.mustExec("0", "sh", "-c", `echo "$(id -u hermes):$(id -g hermes)"`); got != c.want {
				t.Errorf("the user hermes is %s, want %s", got, c.want)
			}
			b.everythingBelongsTo(c.want)
			if r := b.say("s", "hello"); r.Status != 200 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// everythingBelongsTo checks the owner of everything on the volume and in the slots.
func (b *box) everythingBelongsTo(owner string) {
	b.t.Helper()
	uid, gid, _ := strings.Cut(owner, ":")
	if wrong := b.mustExec("0", "find", "/opt/data", "/run/service", "(", "!", "-uid", uid, "-o", "!", "-gid", gid, ")",
		"-printf", `%p %U:%G\n`); wrong != "" {
		b.t.Errorf("these belong to somebody else than %s:\n%s", owner, wrong)
	}
}

// TestUIDRemapOfAVolumeInUse: the second container takes over what the first one wrote.
func TestUIDRemapOfAVolumeInUse(t *testing.T) {
	parallel(t)
	vol := volume(t)
	first := startGateway(t, options{vol: vol})
	if r := first.say("s", "hello"); r.Status != 200 {
		t.Fatalf("%+v", r)
	}
	first.stop()
	second := startGateway(t, options{vol: vol, env: []string{"PUID=99", "PGID=100"}})
	second.everythingBelongsTo("99:100")
	if r := second.say("s", "hello again"); r.Status != 200 {
		t.Errorf("%+v", r)
	}
}

func TestWrongUIDStopsTheBoot(t *testing.T) {
	t.Parallel()
	for _, kv := range []string{
		"HERMES_UID=0", "HERMES_GID=0", "HERMES_UID=65535", "HERMES_UID=abc", "HERMES_UID=-1", "HERMES_UID=12.5",
		"HERMES_GID=99999999999999999999", "PUID=0", "PGID=root", "HERMES_UID= 5",
	} {
		t.Run(kv, func(t *testing.T) {
			parallel(t)
			b := start(t, options{env: []string{kv}}, "gateway", "run")
			if code := b.wait(); code == 0 {
				t.Error("the container ended with 0")
			}
			name, _, _ := strings.Cut(kv, "=")
			last := b.lastLine()
			for _, want := range []string{name, "4294967294"} {
				if !strings.Contains(last, want) {
					t.Errorf("the last line does not name %s: %q", want, last)
				}
			}
			if len(breadcrumbs(b.allLogs())) != 0 {
				t.Error("the command ran")
			}
		})
	}
}

func TestDockerExecAsRootLeavesNoRootFiles(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	for _, command := range [][]string{
		{"gateway", "status"}, {"gateway", "list"}, {"gateway", "stop"}, {"gateway", "start"},
		{"gateway", "restart"}, {"version"}, {"healthcheck"}, {"gateway", "logs"},
	} {
		if r := b.exec("0", append([]string{"hermes"}, command...)...); r.Code != 0 {
			t.Errorf("as root: %s", r)
		}
	}
	b.everythingBelongsTo("10000:10000")
}

func TestDockerExecAsRootDropsToTheRuntimeUser(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value string
		want  int
	}{{"", runtimeUID}, {"0", runtimeUID}, {"on", runtimeUID}, {"1", 0}, {"TRUE", 0}, {"yes", 0}} {
		t.Run(fmt.Sprintf("HERMES_DOCKER_EXEC_AS_ROOT=%q", c.value), func(t *testing.T) {
			parallel(t)
			b := startGateway(t, options{})
			must(t, "exec", "-d", "-u", "0", "-e", "HERMES_DOCKER_EXEC_AS_ROOT="+c.value, b.name, "hermes", "gateway", "logs", "-f")
			eventually(t, soon, "it runs as the right user", func() error {
				followers := only(b.ps(), func(p process) bool { return p.isHermes("gateway", "logs") })
				if len(followers) != 1 || followers[0].UID != c.want {
					return fmt.Errorf("%v, want uid %d", followers, c.want)
				}
				if p := followers[0]; c.want != 0 && (p.GID != runtimeUID || p.Caps != 0 || len(p.Groups) > 1) {
					return fmt.Errorf("%v kept gid %d, groups %v, capabilities %x", p, p.GID, p.Groups, p.Caps)
				}
				return nil
			})
		})
	}
}

// TestDockerExecOfAnyUserReachesTheTree: the runtime user itself can command its gateways.
func TestDockerExecOfAnyUserReachesTheTree(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	old := b.waitReady(gatewaySlot)
	b.mustExec("hermes", "hermes", "gateway", "restart")
	if s, err := b.svstat(gatewaySlot); err != nil || !s.ready || s.life == old {
		t.Errorf("after restart by the runtime user: %+v, %v, it was %v", s, err, old)
	}
}

// TestGatewayRefusesToRunAsRoot, unless the one variable for that is set.
func TestGatewayRefusesToRunAsRoot(t *testing.T) {
	parallel(t)
	b := startIdle(t, options{})
	as := func(env ...string) []string {
		return append(append([]string{"env", "HERMES_DOCKER_EXEC_AS_ROOT=1"}, env...), "hermes", "gateway", "run", "--no-supervise")
	}
	r := b.exec("0", as()...)
	if r.Code != 126 || !strings.Contains(r.Stderr, "root") {
		t.Errorf("want code 126 and why, got: %s", r)
	}
	b.everythingBelongsTo("10000:10000")
}
