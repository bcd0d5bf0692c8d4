package container_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hermes/test/container/docker"
)

// hostFile creates a file on the host that everybody may write, and returns the flags that mount it.
func hostFile(t *testing.T, at, content, mode string) (path string, flags []string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	return path, []string{"-v", path + ":" + at + mode}
}

// withCoder makes a volume with a profile in that state and without a port.
func withCoder(t *testing.T, state string) string {
	t.Helper()
	vol := volume(t)
	must(t, "run", "--rm", "--label", docker.Label, "--network", "none", "-v", vol+":/opt/data", "--entrypoint", "sh", "--user", "0", image, "-c",
		`mkdir -p /opt/data/profiles/coder && cd /opt/data/profiles/coder && echo "I am" >SOUL.md && echo "$1" >gateway_state.json`, "sh", state)
	return vol
}

// TestSingleFilesThatAreMountsAreWritten: docker run -v FILE:/opt/data/FILE, for every file that hermes rewrites.
func TestSingleFilesThatAreMountsAreWritten(t *testing.T) {
	parallel(t)
	vol := withCoder(t, `{"desired_state":"running"}`)
	var flags []string
	files := map[string]string{}
	for at, content := range map[string]string{
		".env": "# mine\nOTHER=kept\n", "config.yaml": "model:\n  provider: echo\n", "SOUL.md": "I am", "gateway_state.json": "not json at all",
		"gateway.pid": "", "metrics.json": "", "logs/container-boot.log": strings.Repeat("x\n", 140_000), "profiles/coder/.env": "API_SERVER_KEY=abcdef-0123456789\n",
	} {
		path, f := hostFile(t, "/opt/data/"+at, content, "")
		files[at] = path
		flags = append(flags, f...)
	}
	b := startGateway(t, options{vol: vol, flags: flags})
	if r := b.say("s", "hello"); r.Status != 200 {
		t.Errorf("%+v", r)
	}
	b.waitReady("gateway-coder")
	for at, want := range map[string]string{
		".env": "# mine\nOTHER=kept\nAPI_SERVER_KEY=hk-", "gateway_state.json": `"gateway_state": "running"`, "gateway.pid": `"pid"`,
		"logs/container-boot.log": "profile=coder prior_state=none action=started", "profiles/coder/.env": "API_SERVER_KEY=abcdef-0123456789\nAPI_SERVER_PORT=9",
	} {
		if data, err := os.ReadFile(files[at]); err != nil || !strings.Contains(string(data), want) {
			t.Errorf("the host's %s: %.300q %v", at, data, err)
		}
	}
	if got := b.file("/opt/data/gateway_state.json.corrupt"); !strings.Contains(got, "not json at all") {
		t.Errorf("what was in the state file is lost: %q", got)
	}
	b.mustExec("", "hermes", "gateway", "restart")
	b.mustExec("", "hermes", "gateway", "stop")
	if left := b.mustExec("0", "find", "/opt/data", "-name", ".*[0-9][0-9][0-9][0-9][0-9][0-9]*", "!", "-path", "*/.run/*"); left != "" {
		t.Errorf("left behind: %s", left)
	}
	if r := b.stop(); r.Code != 0 {
		t.Error(r)
	}
}

// TestAMountThatCannotBeWrittenEndsWith78, with a message that says what to do.
func TestAMountThatCannotBeWrittenEndsWith78(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ at, content, profile, want string }{
		"no key":   {".env", "OTHER=kept\n", "default", "API_SERVER_KEY: missing: add a line API_SERVER_KEY="},
		"no port":  {"profiles/coder/.env", "API_SERVER_KEY=abcdef-0123456789\n", "coder", "API_SERVER_PORT: missing, and the file is a mount of its own and cannot be written: read-only file system: add the line API_SERVER_PORT=9"},
		"no state": {"gateway_state.json", "{}", "default", "is a mount of its own and cannot be written: read-only file system"},
	} {
		t.Run(name, func(t *testing.T) {
			parallel(t)
			vol := withCoder(t, "{}")
			_, flags := hostFile(t, "/opt/data/"+c.at, c.content, ":ro")
			b := start(t, options{vol: vol, flags: flags}, "sleep", "infinity")
			eventually(t, soon, "the container is up", func() error { return b.exec("", "hermes", "gateway", "list").Failed() })
			r := b.exec("", "hermes", "-p", c.profile, "gateway", "run", "--no-supervise")
			if r.Code != 78 || !strings.Contains(r.Stderr, c.want) || strings.Contains(r.Stdout+r.Stderr, "hk-") {
				t.Errorf("want 78 and %q: %s", c.want, r)
			}
			if r := b.exec("", "hermes", "doctor"); !strings.Contains(r.Stdout, "/opt/data/"+c.at+" is a mount of its own and cannot be written: read-only file system") {
				t.Errorf("the doctor does not say it: %s", r)
			}
			if r := b.exec("", "hermes", "-p", c.profile, "gateway", "start"); r.Code != 1 || !strings.Contains(fmt.Sprint(r), c.want) {
				t.Errorf("want %q: %s", c.want, r)
			}
		})
	}
}

// TestALogThatIsAMountKeepsNobodyFromRunning: s6-log ends if it cannot rename its file, and a gateway whose output is not read would
// hang when the pipe is full.
func TestALogThatIsAMountKeepsNobodyFromRunning(t *testing.T) {
	parallel(t)
	_, flags := hostFile(t, "/opt/data/logs/gateways/default/current", "", "")
	b := startGateway(t, options{flags: flags})
	if r := b.say("s", "hello"); r.Status != 200 {
		t.Errorf("%+v", r)
	}
	eventually(t, soon, "the container's log has the gateway's lines", func() error {
		log := b.allLogs()
		if !strings.Contains(log, "[default] level=INFO msg=ready") ||
			!strings.Contains(log, "cannot log to /opt/data/logs/gateways/default, where current is a mount of its own: logging to the container's log only") {
			return fmt.Errorf("%s", log)
		}
		return nil
	})
	if strings.Contains(b.allLogs(), "s6-log: fatal") {
		t.Error("the logger failed")
	}
}
