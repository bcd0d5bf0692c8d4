package container_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"hermes/test/container/docker"
)

// lookedAt is the output of `gateway status --format json`, run in a restricted container.
type lookedAt struct {
	State   string `json:"state"`
	Manager string `json:"manager"`
	PID     int    `json:"pid"`
	Ready   bool   `json:"ready"`
}

func (b *box) look(user, profile string) (lookedAt, error) {
	b.t.Helper()
	r := b.exec(user, "hermes", "-p", profile, "gateway", "status", "--format", "json")
	if err := r.Failed(); err != nil {
		return lookedAt{}, err
	}
	return decode[lookedAt](b.t, r.Stdout), nil
}

// serves waits until a profile's gateway is ready with another process than before.
func (b *box) serves(user, profile string, before life) life {
	b.t.Helper()
	return b.servesUnder("s6 (container supervisor)", user, profile, before)
}

func (b *box) servesUnder(manager, user, profile string, before life) life {
	b.t.Helper()
	var now life
	eventually(b.t, soon, profile+" is ready", func() error {
		v, err := b.look(user, profile)
		if err != nil {
			return err
		}
		if now, err = b.lives(user, v.PID); err != nil {
			return err
		}
		if !v.Ready || now == never || now == before || v.Manager != manager {
			return fmt.Errorf("%+v is %+v, before %+v", v, now, before)
		}
		return nil
	})
	return now
}

// lives returns the life of the process that has a pid now, or never. It runs as the given user, because root in a container without
// capabilities cannot run commands as another user.
func (b *box) lives(user string, pid int) (life, error) {
	b.t.Helper()
	r := b.exec(user, docker.TestClientPath, "ps", strconv.Itoa(pid))
	if err := r.Failed(); err != nil {
		return never, err
	}
	for _, p := range decode[[]process](b.t, r.Stdout) {
		return p.life(), nil
	}
	return never, nil
}

// servesStill returns nil if a profile's gateway is ready with the same process as before.
func (b *box) servesStill(user, profile string, before life) error {
	b.t.Helper()
	v, err := b.look(user, profile)
	if err != nil {
		return err
	}
	now, err := b.lives(user, v.PID)
	if err == nil && (!v.Ready || now != before) {
		err = fmt.Errorf("%+v is %+v, before %+v", v, now, before)
	}
	return err
}

func TestRestrictedContainers(t *testing.T) {
	t.Parallel()
	const user = "1234:1234"
	nothing := []string{"--cap-drop", "ALL", "--security-opt", "no-new-privileges"}
	readOnly := []string{"--read-only", "--tmpfs", "/run", "--tmpfs", "/tmp"}
	join := func(lists ...[]string) (all []string) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	for _, c := range []struct {
		name, user string // user "" starts as root, which then becomes another user by itself
		flags      []string
		says       string // must be in the log
		inMemory   bool   // the trees are in /run
		noRootExec bool   // root has no capabilities and cannot become the user
	}{
		{name: "user", user: user},
		{name: "arbitrary uid of the root group", user: "1000650000:0"},
		{name: "read-only", flags: readOnly},
		{name: "read-only user, no /run", user: user, flags: []string{"--read-only", "--tmpfs", "/tmp"}, says: "the supervision tree is in /opt/data/.run; mount a tmpfs there: `docker run --tmpfs /run:exec,uid=1234 ...`"},
		{name: "read-only user, a /run of its own", user: user, flags: []string{"--read-only", "--tmpfs", "/tmp", "--tmpfs", "/run:exec,uid=1234"}, inMemory: true},
		{name: "init", flags: []string{"--init"}},
		{name: "no capabilities", user: user, flags: nothing, noRootExec: true},
		{name: "root that can only step down", flags: join(nothing, []string{"--cap-add", "SETUID", "--cap-add", "SETGID"}), says: "root lacks capabilities here (CHOWN, DAC_OVERRIDE, FOWNER, KILL)"},
		{name: "all at once", user: user, flags: join(readOnly, nothing, []string{"--init"}), noRootExec: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			flags := c.flags
			as := "hermes"
			if c.user != "" {
				flags, as = join(flags, []string{"--user", c.user}), c.user
			}
			b := start(t, options{flags: flags}, "gateway", "run")
			first := b.serves(as, "default", never)
			b.mustExec(as, "hermes", "profile", "create", "coder")
			b.mustExec(as, "hermes", "-p", "coder", "gateway", "start")
			b.mustExec(as, "hermes", "profile", "create", "idle")
			if c.says != "" && len(linesWith(b.allLogs(), c.says)) == 0 {
				t.Errorf("the log does not say %q:\n%s", c.says, b.allLogs())
			}
			if c.inMemory {
				b.mustExec(as, "test", "-d", "/run/s6/tree", "-a", "!", "-e", "/opt/data/.run")
			}
			b.mustExec(as, "hermes", "healthcheck")
			b.mustExec(as, "hermes", "doctor")
			r := b.exec("0", "hermes", "gateway", "status")
			switch {
			case c.noRootExec && (r.Code == 0 || !strings.Contains(r.Stderr, "docker exec -u")):
				t.Errorf("root that cannot step down: %s", r)
			case !c.noRootExec && r.Code != 0:
				t.Errorf("as root: %s", r)
			}
			b.mustExec(as, "sh", "-c", fmt.Sprintf("kill -9 %d", first.pid))
			b.serves(as, "default", first)
			for _, end := range [][]string{{"restart", "-t", "30", b.name}, {"kill", b.name}} {
				must(t, end...)
				if end[0] == "kill" {
					must(t, "start", b.name)
				}
				b.serves(as, "default", never)
				b.serves(as, "coder", never)
				if v, err := b.look(as, "idle"); err != nil || v.PID != 0 {
					t.Errorf("after docker %s the idle profile: %+v, %v", end[0], v, err)
				}
			}
			b.stop()
			if code := b.wait(); code != 0 {
				t.Errorf("exit code %d after docker stop", code)
			}
		})
	}
}

func TestRootThatCanBecomeNobodyIsRefused(t *testing.T) {
	parallel(t)
	r := run(t, options{flags: []string{"--cap-drop", "ALL"}}, "gateway", "run")
	if r.Code != 126 || len(linesWith(r.Stderr, "SETUID", "--user")) == 0 {
		t.Errorf("want code 126 and what to do, got: %s", r)
	}
}

func TestUserThatCannotWriteItsVolumeIsToldWhatToDo(t *testing.T) {
	parallel(t)
	vol := volume(t)
	seed(t, vol, "SOUL.md", "I am somebody else's.\n")
	must(t, "run", "--rm", "--network", "none", "-v", vol+":/opt/data", "--entrypoint", "chmod", "--user", "0", image, "0750", "/opt/data")
	b := start(t, options{vol: vol, flags: []string{"--user", "1234:1234"}, env: []string{"HERMES_UID=99"}}, "gateway", "run")
	if code := b.wait(); code == 0 {
		t.Error("the container ended with 0")
	}
	if last := b.lastLine(); !strings.Contains(last, "chown -R 1234:1234") || !strings.Contains(last, "10000:10000") {
		t.Errorf("the last line does not say what to do: %q", last)
	}
	if log := b.allLogs(); len(linesWith(log, "HERMES_UID=99", "no effect")) != 1 {
		t.Errorf("it is not said that HERMES_UID cannot be followed:\n%s", log)
	}
}

// TestRootsTreeTakesBackWhatTheImageGrantsToOthers: the directories for containers without root are closed to others at boot.
func TestRootsTreeTakesBackWhatTheImageGrantsToOthers(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{flags: []string{"--tmpfs", "/run:mode=1777"}})
	got := b.mustExec("0", "stat", "-c", "%n %a %U", "/run", "/run/s6", "/run/s6/tree", "/run/service", "/run/hermes", "/opt/data")
	want := "/run 755 root\n/run/s6 755 root\n/run/s6/tree 755 root\n/run/service 755 hermes\n/run/hermes 755 hermes\n/opt/data 750 hermes"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestForegroundGatewayIsAGoodPID1: PID 1 reaps, ends with the gateway's code, and status says which manager is in charge.
func TestForegroundGatewayIsAGoodPID1(t *testing.T) {
	parallel(t)
	b := start(t, options{flags: []string{"--entrypoint", "hermes"}}, "gateway", "run")
	var v lookedAt
	eventually(t, soon, "it answers", func() error { return b.exec("", "hermes", "healthcheck").Failed() })
	v, err := b.look("", "default")
	if err != nil || v.Manager != "docker (foreground)" {
		t.Errorf("%+v, %v", v, err)
	}
	if r := b.exec("", "hermes", "gateway", "stop"); r.Code != 1 || !strings.Contains(r.Stderr, "no service manager runs in this container") {
		t.Errorf("%s", r)
	}
	b.mustExec("0", "sh", "-c", "sh -c 'sleep 0.1 & :' & wait")
	eventually(t, soon, "orphans are reaped", func() error {
		if z := only(b.ps(), func(p process) bool { return p.State == "Z" || p.Comm == "sleep" }); len(z) != 0 {
			return fmt.Errorf("%v", z)
		}
		return nil
	})
	b.stop()
	if code := b.wait(); code != 143 { // the gateway's code after an unplanned end (128+SIGTERM)
		t.Errorf("exit code %d", code)
	}
}

// TestInitThatSeesTheHostsProcesses: such an init is not PID 1, and must end only its own processes.
func TestInitThatSeesTheHostsProcesses(t *testing.T) {
	parallel(t)
	witness := exec.Command("sleep", "infinity")
	if err := witness.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = witness.Wait() }()
	t.Cleanup(func() { _ = witness.Process.Kill(); <-ended })

	b := start(t, options{flags: []string{"--pid", "host"}}, "gateway", "run")
	first := b.serves("hermes", "default", never)
	b.mustExec("", "hermes", "profile", "create", "coder", "--start")
	b.mustExec("hermes", "sh", "-c", fmt.Sprintf("kill -9 %d", first.pid))
	second := b.serves("hermes", "default", first)
	must(t, "restart", "-t", "30", b.name)
	third := b.serves("hermes", "default", second)
	coder := b.serves("hermes", "coder", never)
	b.stop()
	if code := b.wait(); code != 0 {
		t.Errorf("exit code %d after docker stop", code)
	}
	for _, pid := range []int{second.pid, third.pid, coder.pid} {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil {
			t.Errorf("gateway %d outlived its container", pid)
		}
	}
	select {
	case <-ended:
		t.Error("a process of the host was ended")
	default:
	}
}

func TestThirdUserIsToldWhoseTheGatewaysAre(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	for _, args := range [][]string{{"gateway", "status"}, {"gateway", "stop"}, {"profile", "create", "x"}, {"status"}, {"healthcheck"}} {
		r := b.exec("12345", append([]string{"hermes"}, args...)...)
		if r.Code != 1 || len(linesWith(r.Stderr, "10000:10000", "uid 12345", "docker exec -u 10000:10000")) != 1 {
			t.Errorf("%s", r)
		}
	}
	b.mustExec("12345", "hermes", "--version")
	b.mustExec("12345", "hermes", "version")
	b.mustExec("12345", "hermes", "gateway", "--help")
	b.mustExec("10000", "hermes", "gateway", "status")
}
