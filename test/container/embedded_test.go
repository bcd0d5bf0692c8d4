package container_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hermes/test/container/docker"
)

const embeddedManager = "hermes up (embedded supervisor)"

// withoutS6 returns the image under test without s6.
func withoutS6(t *testing.T) string {
	t.Helper()
	return derive(t, map[string]string{}, "RUN rm /usr/bin/s6-*")
}

// alone returns an image that contains only hermes.
func alone(t *testing.T) string {
	t.Helper()
	dir, tag := t.TempDir(), uniqueName(t)
	copyHermes(t, dir)
	dockerfile := "FROM scratch\nLABEL " + docker.Label + "\nCOPY hermes /bin/hermes\nENV PATH=/bin HERMES_HOME=/opt/data\nENTRYPOINT [\"hermes\", \"init\"]\n"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, "build", "--network", "none", "-t", tag, dir)
	t.Cleanup(func() { cleanUp(t, "image", "rm", "-f", tag) })
	return tag
}

// upProcess returns the process of the embedded supervisor.
func (b *box) upProcess() process {
	b.t.Helper()
	found := only(b.ps(), func(p process) bool { return p.isHermes("up") })
	if len(found) != 1 {
		b.t.Fatalf("supervisors: %v", found)
	}
	return found[0]
}

func TestImageWithoutS6HasTheEmbeddedSupervisor(t *testing.T) {
	parallel(t)
	b := start(t, options{image: withoutS6(t), env: []string{"HERMES_DASHBOARD=1", "HERMES_DASHBOARD_BASIC_AUTH_USERNAME=ada", "HERMES_DASHBOARD_BASIC_AUTH_PASSWORD=lovelace"}}, "gateway", "run")
	first := b.servesUnder(embeddedManager, "", "default", never)
	if _, stderr := b.logs(); len(linesWith(stderr, "embedded supervision", "--no-supervise")) != 1 {
		t.Errorf("want one breadcrumb:\n%s", stderr)
	}
	b.mustExec("", "hermes", "profile", "create", "coder", "--start")
	b.mustExec("", "hermes", "profile", "create", "idle", "--start")
	b.mustExec("", "hermes", "-p", "idle", "gateway", "stop")
	coder := b.servesUnder(embeddedManager, "", "coder", never)
	eventually(t, soon, "the dashboard answers", func() error {
		if r := b.http("GET", "http://127.0.0.1:9119/health", ""); r.Status != 200 {
			return fmt.Errorf("%+v", r)
		}
		return nil
	})

	// The files of commands that root types belong to the runtime user, and only the init runs as root.
	if out := b.mustExec("0", "find", "/opt/data", "!", "-user", "10000"); out != "" {
		t.Errorf("not the runtime user's:\n%s", out)
	}
	for _, p := range b.ps() {
		if p.Comm == "hermes" && p.UID == 0 && !p.isHermes("init") {
			t.Errorf("root runs %v", p)
		}
	}
	b.mustExec("", "hermes", "healthcheck")
	b.mustExec("", "hermes", "doctor")
	if r := b.exec("", "hermes", "down"); r.Code != 1 || !strings.Contains(r.Stderr, "docker stop") {
		t.Errorf("%s", r)
	}

	// A killed gateway comes back. So does a killed supervisor, which then supervises every gateway again.
	b.kill(first)
	second := b.servesUnder(embeddedManager, "", "default", first)
	b.kill(b.upProcess().life())
	b.servesUnder(embeddedManager, "", "default", second)
	b.servesUnder(embeddedManager, "", "coder", coder)
	supervisor := b.upProcess().PID
	for _, p := range only(b.ps(), process.isGateway) {
		if p.PPID != supervisor {
			t.Errorf("%v is not the supervisor's (%d)", p, supervisor)
		}
	}
	if n := len(only(b.ps(), process.isGateway)); n != 2 {
		t.Errorf("%d gateways, want 2", n)
	}

	for _, end := range [][]string{{"restart", "-t", "30", b.name}, {"kill", b.name}} {
		must(t, end...)
		if end[0] == "kill" {
			must(t, "start", b.name)
		}
		b.servesUnder(embeddedManager, "", "default", never)
		b.servesUnder(embeddedManager, "", "coder", never)
		if v, err := b.look("", "idle"); err != nil || v.PID != 0 {
			t.Errorf("after docker %s the idle profile: %+v, %v", end[0], v, err)
		}
	}
	b.stop()
	if code := b.wait(); code != 0 {
		t.Errorf("exit code %d after docker stop", code)
	}
	if s := b.gatewayState()["gateway_state"]; s != "running" {
		t.Errorf("gateway_state is %v after docker stop, want running", s)
	}
}

// TestCommandOfAnImageWithoutS6 checks the rules for the container's command and its exit code.
func TestCommandOfAnImageWithoutS6(t *testing.T) {
	parallel(t)
	img := withoutS6(t)
	for _, c := range []struct {
		command []string
		code    int
	}{
		{[]string{"true"}, 0},
		{[]string{"sh", "-c", "exit 7"}, 7},
		{[]string{"sh", "-c", "kill -9 $$"}, 137},
		{[]string{"sh", "-c", "test $(id -u) = 10000 && test -e /opt/data/SOUL.md"}, 0},
		{[]string{"nosuchcommand"}, 2},
	} {
		if r := run(t, options{image: img}, c.command...); r.Code != c.code {
			t.Errorf("want code %d: %s", c.code, r)
		}
	}
	// With the opt-out the container ends with the gateway.
	b := start(t, options{image: img}, "gateway", "run", "--no-supervise")
	foregroundGateway(t, b)
	b.stop()
	if code := b.wait(); code != 143 {
		t.Errorf("exit code %d after docker stop, want the gateway's, 143", code)
	}
	// A boot script that fails stops the boot, and the log says why.
	vol := volume(t)
	seed(t, vol, "SOUL.md", "I am somebody else's.\n")
	must(t, "run", "--rm", "--network", "none", "-v", vol+":/opt/data", "--entrypoint", "chmod", "--user", "0", image, "0750", "/opt/data")
	if r := run(t, options{image: img, vol: vol, flags: []string{"--user", "1234:1234"}}, "gateway", "run"); r.Code != 1 || len(linesWith(r.Stderr, "cannot boot", "chown -R 1234:1234")) != 1 {
		t.Errorf("%s", r)
	}
}

func TestRestrictedContainersWithoutS6(t *testing.T) {
	t.Parallel()
	img := withoutS6(t)
	for _, c := range []struct {
		name  string
		flags []string
	}{
		{"user", []string{"--user", "1234:1234"}},
		{"read-only user, no /run", []string{"--user", "1234:1234", "--read-only", "--tmpfs", "/tmp"}},
		{"all at once", []string{"--user", "1234:1234", "--read-only", "--tmpfs", "/run", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--init"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			const as = "1234:1234"
			b := start(t, options{image: img, flags: c.flags}, "gateway", "run")
			first := b.servesUnder(embeddedManager, as, "default", never)
			if _, stderr := b.logs(); len(linesWith(stderr, "embedded supervision")) != 1 {
				t.Errorf("want one breadcrumb:\n%s", stderr)
			}
			b.mustExec(as, "hermes", "profile", "create", "coder", "--start")
			b.mustExec(as, "sh", "-c", fmt.Sprintf("kill -9 %d", first.pid))
			b.servesUnder(embeddedManager, as, "default", first)
			must(t, "restart", "-t", "30", b.name)
			b.servesUnder(embeddedManager, as, "coder", never)
			b.stop()
			if code := b.wait(); code != 0 {
				t.Errorf("exit code %d after docker stop", code)
			}
		})
	}
}

// TestImageWithNothingButHermes: there is no shell, no sleep, and no directory.
func TestImageWithNothingButHermes(t *testing.T) {
	parallel(t)
	b := start(t, options{image: alone(t)}, "gateway", "run")
	first := b.servesUnder(embeddedManager, "", "default", never)
	b.mustExec("", "hermes", "profile", "create", "coder", "--start")
	must(t, "restart", "-t", "30", b.name)
	b.servesUnder(embeddedManager, "", "default", first)
	b.servesUnder(embeddedManager, "", "coder", never)
	for _, p := range only(b.ps(), process.isGateway) {
		if p.UID != runtimeUID {
			t.Errorf("%v", p)
		}
	}
	b.stop()
	if code := b.wait(); code != 0 {
		t.Errorf("exit code %d after docker stop", code)
	}
}
