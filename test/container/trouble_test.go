package container_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wants fails the test if a command does not end with a code or if its output lacks some words.
func (b *box) wants(code int, cmd []string, words ...string) {
	b.t.Helper()
	r := b.exec("", cmd...)
	if r.Code != code {
		b.t.Errorf("code %d, want %d: %s", r.Code, code, r)
	}
	for _, w := range words {
		if !strings.Contains(r.Stdout, w) {
			b.t.Errorf("no %q in what %v says: %s", w, cmd, r)
		}
	}
}

// TestAKillForWantOfMemoryIsToldAsSuch: the test makes the kernel kill the gateway.
func TestAKillForWantOfMemoryIsToldAsSuch(t *testing.T) {
	t.Parallel()
	for manager, image := range map[string]func(*testing.T) string{"s6 (container supervisor)": func(*testing.T) string { return "" }, embeddedManager: withoutS6} {
		t.Run(manager, func(t *testing.T) {
			parallel(t)
			b := start(t, options{image: image(t), flags: []string{"--memory", "200m", "--memory-swap", "200m"}}, "gateway", "run")
			now := b.servesUnder(manager, "", "default", never)
			// A kill by a person must not count as one by the kernel.
			b.kill(now)
			now = b.servesUnder(manager, "", "default", now)
			b.wants(0, []string{"hermes", "gateway", "status"}, "Restarts:      1", "Last failure:  killed by SIGKILL, at 20")
			b.mustExec("0", "sh", "-c", fmt.Sprintf("echo 1000 >/proc/%d/oom_score_adj", now.pid))
			b.exec("hermes", "tail", "/dev/zero") // until the kernel kills it too
			b.servesUnder(manager, "", "default", now)
			const how = "killed by SIGKILL, out of memory"
			b.wants(0, []string{"hermes", "gateway", "status"}, "Restarts:      2", "Last failure:  "+how+", at 20")
			b.wants(0, []string{"hermes", "gateway", "list"}, "default: "+how+", at 20")
			b.wants(0, []string{"hermes", "status"}, "default: "+how+", at 20")
			b.wants(1, []string{"hermes", "doctor"}, "! gateways: gateway 'default' runs again after a failure: "+how, "→ give the container more memory (`docker run --memory`")
			if log := b.allLogs(); len(linesWith(log, "gateway-default failed ("+how+")")) != 1 || len(linesWith(log, "gateway-default failed (killed by SIGKILL): it is started again at once")) != 1 {
				t.Errorf("docker logs does not tell both kills, each once:\n%s", log)
			}
		})
	}
}

func TestDoctorAndStatusSeeWhatIsWrongInTheImage(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{env: []string{"HERMES_DASHBOARD=1"}})
	b.waitReady(gatewaySlot)
	const why = "cannot start the dashboard: it would listen on 0.0.0.0"
	eventually(t, soon, "the dashboard ended", func() error {
		if s, err := b.svstat("dashboard"); err != nil || s.up || b.deaths("dashboard") == 0 {
			return fmt.Errorf("%+v, %v", s, err)
		}
		return nil
	})
	b.wants(0, []string{"hermes", "status"}, "Dashboard:  down: exit code 78: "+why)
	b.wants(1, []string{"hermes", "doctor"}, "✗ dashboard: the dashboard is down: exit code 78, at 20", why, "→ mend that, then restart the container", "\n1 wrong\n")

	// A gateway that is alive and does not answer.
	pid := b.waitReady(gatewaySlot).pid
	b.freeze(pid)
	b.wants(1, []string{"hermes", "doctor"}, fmt.Sprintf("✗ gateways: gateway 'default' (pid %d) does not answer: ", pid), "\n2 wrong\n")
	b.mustExec("0", "sh", "-c", fmt.Sprintf("kill -CONT %d", pid))

	// A slot whose supervisor gets no commands.
	b.mustExec("hermes", "sh", "-c", "cd /run/service/gateway-default/supervise && mv control control.away && mkfifo -m 600 control")
	b.wants(1, []string{"hermes", "doctor"}, "✗ slots: slot 'gateway-default' has no supervisor that takes commands", "→ restart the container")
	b.mustExec("hermes", "sh", "-c", "cd /run/service/gateway-default/supervise && mv control.away control")
}

func TestDoctorFindsFilesThatAreMounts(t *testing.T) {
	parallel(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"env": "API_SERVER_KEY=0123456789abcdef0123456789abcdef\n", "config.yaml": "model: {provider: echo}\n"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, runtimeUID, runtimeUID); err != nil {
			t.Fatal(err)
		}
	}
	b := startGateway(t, options{flags: []string{"-v", filepath.Join(dir, "env") + ":/opt/data/.env", "-v", filepath.Join(dir, "config.yaml") + ":/opt/data/config.yaml:ro"}})
	b.waitReady(gatewaySlot)
	b.wants(1, []string{"hermes", "doctor"},
		"! files: /opt/data/.env is a mount of its own: no other file can take its place", "→ mount the directory, not the file: `docker run -v hermes-data:/opt/data",
		"· files: /opt/data/config.yaml is a mount of its own and cannot be written: read-only file system", "\n1 wrong\n")
}
