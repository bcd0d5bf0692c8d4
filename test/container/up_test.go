package container_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startUp runs `hermes up` as the container's process, as on a host.
func startUp(t *testing.T, o options) *box {
	t.Helper()
	o.flags = append(o.flags, "--user", "10000:10000", "--entrypoint", "hermes")
	o.env = append(o.env, "HERMES_DASHBOARD=0")
	return start(t, o, "up")
}

// TestUpWithAFullDisk: the gateways go on, messages say what does not work, and when there is room again everything is as before.
func TestUpWithAFullDisk(t *testing.T) {
	parallel(t)
	b := startUp(t, options{flags: []string{"--tmpfs", "/opt/data:size=24m,mode=0700,uid=10000,gid=10000"}})
	first := b.servesUnder(embeddedManager, "", "default", never)
	b.mustExec("", "hermes", "profile", "create", "coder", "--start")
	coder := b.servesUnder(embeddedManager, "", "coder", never)
	supervisor := only(b.ps(), func(p process) bool { return p.isHermes("up") && p.PID != 1 })

	b.exec("10000", "sh", "-c", "dd if=/dev/zero of=/opt/data/fill bs=64k; dd if=/dev/zero of=/opt/data/rest bs=1")
	if r := b.exec("10000", "sh", "-c", "echo x > /opt/data/more"); r.Code == 0 {
		t.Fatalf("the disk is not full: %s", r)
	}
	// Running gateways go on and answer, and commands work.
	b.mustExec("", "hermes", "healthcheck")
	if err := b.servesStill("", "coder", coder); err != nil {
		t.Error(err)
	}
	if r := b.exec("", "hermes", "profile", "create", "another"); r.Code != 1 || !strings.Contains(r.Stderr, "no space left on device") {
		t.Errorf("%s", r)
	}
	b.kill(first)
	eventually(t, soon, "the supervisor has seen it", func() error {
		v, err := b.look("", "default")
		if err != nil {
			return err
		}
		if now, err := b.lives("0", v.PID); err != nil || now == first {
			return fmt.Errorf("%+v is %v, %w", v, now, err)
		}
		return nil
	})
	if err := b.servesStill("", "coder", coder); err != nil {
		t.Errorf("beside it: %v", err)
	}
	// A gateway that is told to stop stops, and a message says what could not be recorded.
	b.exec("10000", "sh", "-c", "cat /dev/zero > /opt/data/last") // the process that was killed has left a little room
	if r := b.exec("", "hermes", "-p", "coder", "gateway", "stop"); r.Code != 1 || !strings.Contains(r.Stderr, "gateway 'coder' is down") || !strings.Contains(r.Stderr, "no space left on device") {
		t.Errorf("%s", r)
	}
	if v, err := b.look("", "coder"); err != nil || v.PID != 0 {
		t.Errorf("after its stop: %+v, %v", v, err)
	}

	b.mustExec("0", "rm", "-f", "/opt/data/fill", "/opt/data/rest", "/opt/data/more", "/opt/data/last")
	b.mustExec("", "hermes", "gateway", "start")
	b.servesUnder(embeddedManager, "", "default", first)
	b.mustExec("", "hermes", "-p", "coder", "gateway", "start")
	b.servesUnder(embeddedManager, "", "coder", coder)
	if now := only(b.ps(), func(p process) bool { return p.isHermes("up") && p.PID != 1 }); len(now) != 1 || len(supervisor) != 1 || now[0].life() != supervisor[0].life() {
		t.Errorf("the supervisor was %v and is %v", supervisor, now)
	}
	b.mustExec("", "hermes", "profile", "create", "another")
}

func TestUpWith200Profiles(t *testing.T) {
	parallel(t)
	const n = 200
	vol := volume(t)
	must(t, "run", "--rm", "--network", "none", "-v", vol+":/opt/data", "--user", "0", "--entrypoint", "sh", image, "-c", `set -e
cd /opt/data
for i in $(seq `+strconv.Itoa(n)+`); do
	mkdir -p profiles/p$i
	echo 'One of many.' > profiles/p$i/SOUL.md
	printf 'API_SERVER_KEY=hk-0123456789abcdef0123456789abcdef\nAPI_SERVER_PORT=%d\n' $((20000+i)) > profiles/p$i/.env
	chmod 600 profiles/p$i/.env
	echo '{"desired_state":"running"}' > profiles/p$i/gateway_state.json
done
chown -R 10000:10000 /opt/data`)
	const ready = `grep -lE '"gateway_state": *"running"' /opt/data/profiles/p*/gateway_state.json | wc -l`
	b := startUp(t, options{vol: vol})
	eventually(t, 3*time.Minute, "all are ready", func() error {
		if out := b.exec("10000", "sh", "-c", ready).Stdout; strings.TrimSpace(out) != strconv.Itoa(n) {
			return fmt.Errorf("%s are", out)
		}
		return nil
	})
	if out := b.mustExec("", "hermes", "status"); !strings.Contains(out, fmt.Sprintf("%d running", n)) {
		t.Errorf("status says\n%s", out)
	}
	if gateways := only(b.ps(), process.isGateway); len(gateways) != n {
		t.Errorf("%d processes, want %d", len(gateways), n)
	}
	must(t, "stop", "-t", "80", b.name)
	if code := b.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	r := must(t, "run", "--rm", "--network", "none", "-v", vol+":/opt/data", "--entrypoint", "sh", image, "-c", ready)
	if strings.TrimSpace(r.Stdout) != strconv.Itoa(n) {
		t.Errorf("%s of %d are to run at the next start", strings.TrimSpace(r.Stdout), n)
	}
}

// TestUpTakesCommandsFromItsUserAndRootAlone: even without the modes that keep other users out, they are refused.
func TestUpTakesCommandsFromItsUserAndRootAlone(t *testing.T) {
	parallel(t)
	b := startUp(t, options{})
	b.servesUnder(embeddedManager, "", "default", never)
	b.mustExec("0", "chmod", "0755", "/opt/data", "/opt/data/up")
	b.mustExec("0", "chmod", "0666", "/opt/data/up/socket")
	ask := []string{"/testclient", "ask", "/opt/data/up/socket", "/v1/services"}
	for user, allowed := range map[string]bool{"0": true, "10000": true, "12345": false, "10001:10000": false} {
		r := b.exec(user, ask...)
		if got := r.Code == 0 && strings.Contains(r.Stdout, "gateway-default"); got != allowed {
			t.Errorf("as %s: %s", user, r)
		}
	}
}
