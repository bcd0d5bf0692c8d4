package container_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hermes/test/container/docker"
)

// systemdImage is a host in a container: systemd is PID 1; one user lingers, another does not.
const systemdImage = `FROM debian:trixie-slim
LABEL ` + docker.Label + `
RUN apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends systemd systemd-sysv dbus dbus-user-session libpam-systemd procps && \
    rm -rf /var/lib/apt/lists/* && \
    useradd -m -u 1500 me && useradd -m -u 1501 you && \
    mkdir -p /var/lib/systemd/linger && touch /var/lib/systemd/linger/me && \
    systemctl mask systemd-logind-varlink.socket getty.target console-getty.service
STOPSIGNAL SIGRTMIN+3
CMD ["/sbin/init"]
`

var makeSystemdImage sync.Once

// me is the name of the user who lingers.
const me = "me"

// host is a container whose PID 1 is systemd, with hermes and without a home.
type host struct{ *box }

// startHost boots a host.
func startHost(t *testing.T) host {
	t.Helper()
	tag := fmt.Sprintf("hermes-test-systemd:%x", sha256.Sum256([]byte(systemdImage)))[:40]
	makeSystemdImage.Do(func() {
		if do(t, "image", "inspect", "--format", "{{.Id}}", tag).Code == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // packages are downloaded
		defer cancel()
		if r := docker.Do(ctx, strings.NewReader(systemdImage), "build", "--network", "host", "-t", tag, "-"); r.Code != 0 {
			t.Log(r)
		}
	})
	flags := []string{"--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec", "-e", "container=docker",
		"--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined"}
	if _, err := os.Stat("/sys/fs/cgroup/systemd"); err == nil {
		flags = append(flags, "-v", "/sys/fs/cgroup:/sys/fs/cgroup:ro", "-v", "/sys/fs/cgroup/systemd:/sys/fs/cgroup/systemd:rw")
	} else { // a single cgroup hierarchy
		flags = append(flags, "--cgroupns", "host", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw")
	}
	h := host{start(t, options{image: tag, flags: flags})}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the journal:\n%s", tail(cleanUp(t, "exec", h.name, "journalctl", "--no-pager", "-n", "300").Stdout))
		}
	})
	dir := t.TempDir()
	copyHermes(t, dir)
	must(t, "cp", filepath.Join(dir, "hermes"), h.name+":/usr/local/bin/hermes")
	h.booted()
	return h
}

// copyHermes copies the binary of the image under test into a directory.
func copyHermes(t *testing.T, dir string) {
	t.Helper()
	name := uniqueName(t)
	must(t, "create", "--name", name, "--label", docker.Label, image)
	t.Cleanup(func() { cleanUp(t, "rm", "-v", name) })
	must(t, "cp", "-L", name+":"+hermesIn(t), filepath.Join(dir, "hermes"))
}

// hermesIn returns the path of the binary in the image under test.
func hermesIn(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(must(t, "run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c", "readlink -f $(command -v hermes)").Stdout)
}

// booted waits until the system and the user's manager are up.
func (h host) booted() {
	h.t.Helper()
	eventually(h.t, soon, "systemd is up", func() error {
		if err := h.exec("", "systemctl", "is-active", "multi-user.target").Failed(); err != nil {
			return err
		}
		return h.exec("", "systemctl", "is-active", "user@1500.service").Failed()
	})
}

// reboot stops the container and starts it again.
func (h host) reboot() {
	h.t.Helper()
	must(h.t, "restart", "-t", "30", h.name)
	h.booted()
}

// says runs hermes as the user who lingers. It must end with the code, and its output must contain the words.
func (h host) says(code int, args []string, words ...string) string {
	h.t.Helper()
	return h.saysAs(me, code, append([]string{"hermes"}, args...), words...)
}

func (h host) saysAs(user string, code int, command []string, words ...string) string {
	h.t.Helper()
	r := h.exec(user, command...)
	for _, w := range words {
		if !strings.Contains(r.Stdout+r.Stderr, w) {
			h.t.Errorf("it does not say %q", w)
		}
	}
	if r.Code != code || h.t.Failed() {
		h.t.Fatalf("want code %d of: %s", code, r)
	}
	return r.Stdout
}

// looks returns the output of `gateway status`.
func (h host) looks(user, profile string) lookedAt {
	h.t.Helper()
	v, err := h.look(user, profile)
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

// runs waits until a gateway is ready with another process than before.
func (h host) runs(profile, manager string, before life) life {
	h.t.Helper()
	return h.servesUnder(manager, me, profile, before)
}

const (
	userManager   = "systemd (user)"
	systemManager = "systemd (system)"
)

// TestSystemdKeepsTheManagersContract runs the contract suite for service managers on a host with systemd.
func TestSystemdKeepsTheManagersContract(t *testing.T) {
	parallel(t)
	program := filepath.Join(t.TempDir(), "contract.test")
	// The program is static, because the container's C library may be another one than this machine's.
	build := exec.CommandContext(t.Context(), "go", "test", "-race", "-tags", "systemd netgo osusergo", "-ldflags", "-linkmode external -extldflags -static",
		"-c", "-o", program, "hermes/internal/service/systemd")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h := startHost(t)
	must(t, "cp", program, h.name+":/usr/local/bin/contract.test")
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	r := docker.Do(ctx, nil, "exec", "-u", me, h.name, "env", "XDG_RUNTIME_DIR=/run/user/1500", "sh", "-c",
		"cd && exec contract.test -test.run Manager\\|Systemd -test.timeout 5m -test.parallel 4")
	if err := r.Failed(); err != nil || !strings.Contains(r.Stdout, "PASS") {
		t.Errorf("%v\n%s\n%s", err, tail(r.Stdout), tail(r.Stderr))
	}
}

func TestGatewayIsAServiceOfTheUsersSystemd(t *testing.T) {
	parallel(t)
	h := startHost(t)

	h.says(1, []string{"gateway", "start"}, "`hermes gateway install`")
	h.says(0, []string{"gateway", "install", "--start-now"}, "is a service of systemd (user)", "is ready")
	old := h.runs("default", userManager, never)

	// A gateway that crashes comes back.
	h.kill(old)
	h.runs("default", userManager, old)
	if log := h.says(0, []string{"gateway", "logs"}); strings.Count(log, "msg=ready") != 2 {
		t.Errorf("the log is\n%s", log)
	}

	// A gateway with a wrong configuration does not come back, and status says why.
	h.mustExec(me, "sh", "-c", "echo 'gateway: {drain: x}' > ~/.hermes/config.yaml")
	h.says(1, []string{"gateway", "restart"}, "it stays down", "config.yaml")
	h.says(0, []string{"gateway", "status"}, "startup_failed", "exit code 78", "config.yaml", "tries again")
	h.says(0, []string{"gateway", "list"}, "startup_failed")

	// A gateway that fails too often is given up.
	h.mustExec(me, "sh", "-c", "echo 'gateway: {max_failures: 2}' > ~/.hermes/config.yaml")
	h.says(0, []string{"gateway", "install"})
	h.mustExec(me, "mv", "/home/me/.hermes/hermes.db", "/home/me/hermes.db")
	h.mustExec(me, "mkdir", "/home/me/.hermes/hermes.db")
	h.says(1, []string{"gateway", "start"}, "exited with code 1", "the supervisor tries again")
	eventually(t, soon, "systemd gives up", func() error {
		r := h.exec(me, "hermes", "gateway", "list")
		if !strings.Contains(r.Stdout, "gave up after 2 failures within 10m0s") || !strings.Contains(r.Stdout, "tries again") {
			return r.Failed()
		}
		return nil
	})
	h.mustExec(me, "rmdir", "/home/me/.hermes/hermes.db")
	h.says(0, []string{"gateway", "start"}, "is ready")
	old = h.runs("default", userManager, never)

	// A command that waits while systemd executes itself anew gets the result, and the gateway is not disturbed.
	h.mustExec(me, "env", "XDG_RUNTIME_DIR=/run/user/1500", "systemctl", "--user", "daemon-reexec")
	if err := h.servesStill(me, "default", old); err != nil {
		t.Errorf("after daemon-reexec: %v", err)
	}

	// After a boot the gateways that ran before run again.
	h.says(0, []string{"profile", "create", "idle"})
	h.says(0, []string{"-p", "idle", "gateway", "install", "--start-now"})
	h.says(0, []string{"-p", "idle", "gateway", "stop"}, "is down")
	h.reboot()
	h.runs("default", userManager, never)
	if v := h.looks(me, "idle"); v.PID != 0 || v.State != "stopped" || v.Manager != userManager {
		t.Errorf("the stopped one is %+v", v)
	}

	// Another home of the same user must not touch this home's units.
	h.saysAs(me, 1, []string{"env", "HERMES_HOME=/home/me/other", "hermes", "gateway", "install"}, "belongs to another home", "HERMES_HOME=/home/me/.hermes")
	h.saysAs(me, 1, []string{"env", "HERMES_HOME=/home/me/other", "hermes", "gateway", "uninstall"}, "belongs to another home")

	// `hermes up` leaves systemd's gateways to systemd, and says so if a command asks for more.
	old = h.runs("default", userManager, never)
	h.says(0, []string{"up", "-d", "--no-dashboard"}, "up (pid")
	h.says(0, []string{"profile", "create", "beside", "--start"}, "gateway 'beside' is ready")
	if err := h.servesStill(me, "default", old); err != nil {
		t.Errorf("beside hermes up: %v", err)
	}
	if v := h.looks(me, "default"); v.Manager != userManager {
		t.Errorf("beside hermes up: %+v", v)
	}
	if v := h.looks(me, "beside"); v.Manager != "hermes up (embedded supervisor)" {
		t.Errorf("under hermes up: %+v", v)
	}
	h.says(0, []string{"-p", "beside", "gateway", "install"}, "`hermes up` supervises", "hermes down")
	h.says(0, []string{"-p", "beside", "gateway", "uninstall"}, "no service of the host")
	h.says(0, []string{"status"}, "systemd (user), hermes up (embedded supervisor)", "2 running")
	h.says(0, []string{"down"})
	h.says(1, []string{"-p", "beside", "gateway", "start"}, "is not installed as a service here: `hermes -p beside gateway install`")
	h.says(0, []string{"profile", "delete", "beside", "--yes"})

	// Commands with --all.
	h.says(0, []string{"gateway", "stop", "--all"}, "2 of 2 gateways")
	h.says(0, []string{"-p", "idle", "gateway", "start"}, "is ready")

	// Renaming or deleting a profile renames or removes its service too.
	h.says(0, []string{"profile", "rename", "idle", "busy"}, "gateway 'busy' is ready")
	h.runs("busy", userManager, never)
	h.says(0, []string{"profile", "delete", "busy", "--yes"})
	h.says(0, []string{"gateway", "uninstall"}, "no longer a service")
	h.says(1, []string{"gateway", "uninstall"}, "is not installed as a service here")
	if left := h.mustExec(me, "sh", "-c", "find ~/.config -name '*hermes*'; ps -e -o args | grep '[g]ateway run' || :"); left != "" {
		t.Errorf("left over:\n%s", left)
	}
}

func TestUserWhoseServicesEndAtLogoutIsTold(t *testing.T) {
	parallel(t)
	h := startHost(t)
	h.saysAs("you", 1, []string{"hermes", "gateway", "install"}, "this user's systemd does not run", "loginctl enable-linger")
	h.mustExec("", "systemctl", "start", "user@1501.service")
	h.saysAs("", 1, []string{"env", "HERMES_HOME=/home/you", "hermes", "gateway", "install"}, "belongs to you: install it as that user, or for the whole system with --system")
	h.saysAs("you", 0, []string{"hermes", "gateway", "install"}, "ends when the user logs out", "`loginctl enable-linger you`", "next: `hermes gateway start`")
	h.mustExec("", "loginctl", "enable-linger", "you")
	if out := h.saysAs("you", 0, []string{"hermes", "gateway", "install", "--start-now"}, "is ready"); strings.Contains(out, "logs out") {
		t.Error("who lingers is warned")
	}
}

func TestGatewayIsAServiceOfTheSystem(t *testing.T) {
	parallel(t)
	h := startHost(t)
	root := func(args ...string) []string {
		return append([]string{"env", "HERMES_HOME=/home/me/.hermes", "hermes"}, args...)
	}

	h.says(0, []string{"profile", "create", "coder"})
	h.says(1, []string{"-p", "coder", "gateway", "install", "--system"}, "sudo HERMES_HOME=/home/me/.hermes hermes -p coder gateway install --system")
	h.saysAs("", 1, []string{"env", "SUDO_USER=me", "hermes", "gateway", "install", "--system"}, "HERMES_HOME=~me/.hermes")
	h.saysAs("", 1, []string{"env", "HERMES_HOME=/root", "hermes", "gateway", "install", "--system"}, "belongs to root")
	h.saysAs("", 0, root("-p", "coder", "gateway", "install", "--system", "--start-now"), "is a service of systemd (system)", "is ready")

	// systemd understands every line of the unit.
	if out := h.mustExec("", "sh", "-c", "systemd-analyze verify --man=no /etc/systemd/system/hermes-gateway-coder.service 2>&1"); out != "" {
		t.Errorf("systemd-analyze verify says:\n%s", out)
	}
	// The gateway runs as the home's owner, and root leaves no files of its own in the home.
	old := h.runs("coder", systemManager, never)
	if user := h.mustExec("", "ps", "-o", "user=", "-p", fmt.Sprint(old.pid)); user != me {
		t.Errorf("it runs as %s", user)
	}
	if roots := h.mustExec("", "find", "/home/me", "-user", "root"); roots != "" {
		t.Errorf("root's in the home:\n%s", roots)
	}
	h.saysAs(me, 1, []string{"hermes", "-p", "coder", "gateway", "stop"}, "root's", "sudo")
	if err := h.servesStill(me, "coder", old); err != nil {
		t.Errorf("it was touched: %v", err)
	}
	h.kill(old)
	h.runs("coder", systemManager, old)
	h.reboot()
	h.runs("coder", systemManager, never)

	h.saysAs("", 0, root("profile", "rename", "coder", "reviewer"), "gateway 'reviewer' is ready")
	h.runs("reviewer", systemManager, never)
	h.saysAs("", 0, root("-p", "reviewer", "gateway", "stop"), "is down")
	h.saysAs("", 0, root("-p", "reviewer", "gateway", "uninstall"), "no longer a service")
	if left := h.mustExec("", "sh", "-c", "find /etc/systemd -name '*hermes*'; find /home/me -user root"); left != "" {
		t.Errorf("left over:\n%s", left)
	}
	if err := waitFor(time.Second, func() error {
		if out := h.mustExec("", "systemctl", "list-units", "--all", "--plain", "--no-legend", "hermes-*"); out != "" {
			return errors.New(out)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
