package container_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"hermes/test/container/docker"
)

// access is the output of `testclient writable`.
type access struct {
	Seen       int
	Writable   []string
	Privileged []string
}

// The places that the runtime user may write, and programs with privileges. Nothing else in the image may be writable for it.
var (
	ownPlaces = []string{
		"/opt/data",    // its home
		"/run/service", // its tree, which its own s6-svscan supervises
		"/run/hermes",  // where the heartbeat's pid is
		"/tmp", "/var/tmp", "/run/lock", "/var/lock", "/dev", "/proc", "/sys",
	}
	// Programs of Debian's own packages, which do their own checks.
	debianPrivileged = []string{
		"chage", "chfn", "chsh", "expiry", "gpasswd", "mount", "newgrp", "passwd", "su", "umount", "unix_chkpwd",
	}
)

// TestNothingOutsideItsOwnPlacesIsWritableByTheRuntimeUser checks the whole file system of a container with a gateway, a dashboard
// and a command.
func TestNothingOutsideItsOwnPlacesIsWritableByTheRuntimeUser(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{env: dashboardEnv})
	b.waitReady("dashboard")
	got := b.writable(append([]string{"/", "--"}, ownPlaces...)...)
	if got.Seen < 1000 {
		t.Fatalf("saw only %d files", got.Seen)
	}
	if len(got.Writable) > 0 {
		t.Errorf("the runtime user may write:\n%s", strings.Join(got.Writable, "\n"))
	}
	for _, file := range got.Privileged {
		if !slices.Contains(debianPrivileged, path.Base(file)) {
			t.Errorf("a setuid program that is not Debian's: %s", file)
		}
	}
	// The places themselves must not be replaceable, so the runtime user must not be able to write their parents.
	for _, place := range []string{"/", "/opt", "/run", "/run/s6", "/run/s6/tree"} {
		if r := b.exec("hermes", "test", "-w", place); r.Code == 0 {
			t.Errorf("the runtime user may write in %s", place)
		}
	}
}

func (b *box) writable(args ...string) access {
	b.t.Helper()
	return decode[access](b.t, b.mustExec("hermes", append([]string{docker.TestClientPath, "writable"}, args...)...))
}

func TestNothingThatRootExecutesIsWritableByTheRuntimeUser(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{env: dashboardEnv})
	b.waitReady("dashboard")

	// What root's processes run and name: the program, scripts, and paths in their arguments.
	files := []string{"/etc/cont-init.d", "/etc/cont-finish.d", "/run/s6", "/usr/local", "/command", "/etc/ld.so.cache", "/etc/passwd", "/etc/group"}
	root := only(b.ps(), func(p process) bool { return p.UID == 0 && p.PPID != 0 || p.PID == 1 })
	if len(root) < 2 {
		t.Fatalf("root's processes: %v", root)
	}
	for _, p := range root {
		if len(p.Cmdline) == 0 {
			t.Errorf("cannot see what %v runs", p)
		}
		for _, word := range append(p.Cmdline, p.Exe) {
			if word == "" {
				continue // even root may not read the exe of this process
			}
			if !path.IsAbs(word) {
				word = path.Join(p.Cwd, word)
			}
			if r := b.exec("0", "test", "-e", word); r.Code == 0 && word != "/run/service" && word != "/run" {
				// Root's processes only get these two as names of directories; the scripts that root executes are below /run/s6.
				files = append(files, word)
			}
		}
	}
	files = append(files, strings.Split(b.mustExec("0", "printenv", "PATH"), ":")...)
	slices.Sort(files)
	for _, file := range slices.Compact(files) {
		if slices.Contains([]string{"/opt/data", "/"}, file) {
			continue // a working directory, in which root runs nothing
		}
		if r := b.exec("0", "test", "-e", file); r.Code != 0 {
			continue
		}
		if got := b.writable(file); len(got.Writable) > 0 {
			t.Errorf("root executes it, or from it, and the runtime user may write: %v", got.Writable)
		}
		for dir := file; dir != "/"; dir = path.Dir(dir) {
			if r := b.exec("hermes", "test", "-w", path.Dir(dir)); r.Code == 0 {
				t.Errorf("root executes %s, and the runtime user may replace %s", file, dir)
			}
		}
	}
}

// TestRuntimeUserCannotBecomeRoot tries what an attacker would try.
func TestRuntimeUserCannotBecomeRoot(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	before := b.mustExec("0", "sh", "-c", "find /run/s6 /etc/cont-init.d /etc/cont-finish.d -exec ls -dn --time-style=+ {} + | sort")
	for name, attack := range map[string]string{
		"overwrite a run script of root's":   `echo '#!/bin/sh' > "$(find /run/s6/tree -name run | head -n 1)"`,
		"replace root's run script":          `mv /tmp/evil "$(find /run/s6/tree -name run | head -n 1)"`,
		"rename root's tree":                 `mv /run/s6/tree /run/s6/tree.old`,
		"add a service to root's tree":       `mkdir /run/s6/tree/evil`,
		"link a service into root's tree":    `ln -s /tmp/evil.d /run/s6/tree/evil`,
		"replace root's finish script":       `echo > /run/s6/tree/.s6-svscan/finish`,
		"add a hook for the next boot":       `cp /tmp/evil /etc/cont-init.d/99-evil`,
		"add a hook for the stop":            `cp /tmp/evil /etc/cont-finish.d/99-evil`,
		"change the environment of scripts":  `echo /tmp > /run/s6/container_environment/PATH`,
		"add to the environment of scripts":  `echo /tmp/evil.so > /run/s6/container_environment/LD_PRELOAD`,
		"shadow a program on PATH":           `cp /tmp/evil /usr/local/bin/s6-svscan || cp /tmp/evil /usr/local/sbin/s6-svscan || cp /tmp/evil /command/s6-svscan`,
		"replace the program":                `cp /tmp/evil /usr/local/bin/hermes`,
		"replace the parent of its own tree": `mv /run/service /run/service.old && ln -s /etc /run/service`,
		"stop root's tree":                   `s6-svscanctl -t /run/s6/tree`,
		"make root's tree rescan":            `s6-svscanctl -an /run/s6/tree`,
		"write to root's control FIFO":       `for f in $(find /run/s6 -type p); do timeout 2 sh -c 'printf t > "$1"' sh "$f" && exit 0; done; exit 1`,
		"signal PID 1":                       `kill -TERM 1`,
		"use root's user":                    `s6-setuidgid root true || setpriv --reuid 0 true`,
	} {
		script := `printf '#!/bin/sh\nid > /tmp/pwned\n' > /tmp/evil; chmod 755 /tmp/evil; mkdir -p /tmp/evil.d; cp /tmp/evil /tmp/evil.d/run; ` + attack
		if r := b.exec("hermes", "sh", "-c", script); r.Code == 0 {
			t.Errorf("the runtime user can %s: %s", name, r)
		}
	}
	after := b.mustExec("0", "sh", "-c", "find /run/s6 /etc/cont-init.d /etc/cont-finish.d -exec ls -dn --time-style=+ {} + | sort")
	if before != after {
		t.Errorf("the attacks left traces\nbefore:\n%s\nafter:\n%s", before, after)
	}
	if err := b.isReady(gatewaySlot)(); err != nil {
		t.Error(err)
	}
	b.stop()
	if code := b.wait(); code != 0 {
		t.Errorf("exit code %d after docker stop", code)
	}
	must(t, "start", b.name)
	b.waitReady(gatewaySlot)
	if r := b.exec("0", "test", "-e", "/tmp/pwned"); r.Code == 0 {
		t.Errorf("a script of the runtime user ran: %s", b.file("/tmp/pwned"))
	}
}

// TestServiceOfTheRuntimeUserRunsAsTheRuntimeUser: the runtime user may add a service to its own tree, and that service does not run
// as root.
func TestServiceOfTheRuntimeUserRunsAsTheRuntimeUser(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	b.mustExec("hermes", "sh", "-c", `mkdir -p /run/service/.own && printf '#!/bin/sh\nid -u > /tmp/own-uid\nexec sleep 1000\n' > /run/service/.own/run &&
		chmod 755 /run/service/.own/run && mv /run/service/.own /run/service/own && s6-svscanctl -a /run/service`)
	eventually(t, soon, "the service ran", func() error {
		r := b.exec("0", "cat", "/tmp/own-uid")
		if got := strings.TrimSpace(r.Stdout); got != fmt.Sprint(runtimeUID) {
			return fmt.Errorf("uid %q %s", got, r.Stderr)
		}
		return nil
	})
	b.stop()
	if code := b.wait(); code != 0 {
		t.Errorf("exit code %d after docker stop", code)
	}
}

// TestProcessesOfTheRuntimeUserHoldNothingOfRoots: they have no capability, no group and no open file of root's.
func TestProcessesOfTheRuntimeUserHoldNothingOfRoots(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{env: dashboardEnv})
	b.waitReady("dashboard")
	own := only(b.ps(), func(p process) bool { return p.UID != 0 })
	if len(own) < 7 {
		t.Fatalf("the runtime user's processes: %v", own)
	}
	for _, p := range own {
		if p.Caps != 0 {
			t.Errorf("%v has capabilities %x", p, p.Caps)
		}
		if slices.Contains(p.Groups, 0) || p.GID == 0 {
			t.Errorf("%v is in root's group", p)
		}
		if len(p.FDs) == 0 {
			t.Errorf("cannot see what %v has open", p)
		}
		for _, fd := range p.FDs {
			if strings.HasPrefix(fd, "/run/s6/") || strings.HasPrefix(fd, "/etc/") {
				t.Errorf("%v has %s open", p, fd)
			}
		}
	}
}

// TestPlantedLinksDoNotLeadRootAstray: at the next boot root sets the volume's owner, writes logs and clears the tree, while the
// runtime user's links lie in the way.
func TestPlantedLinksDoNotLeadRootAstray(t *testing.T) {
	parallel(t)
	b := startGateway(t, options{})
	facts := `stat -c '%n %u:%g %a %s %Y' /etc/shadow /etc/passwd /etc /etc/cont-init.d /etc/cont-init.d/*; ls /etc | sort | md5sum`
	before := b.mustExec("0", "sh", "-c", facts)
	b.mustExec("hermes", "sh", "-c", `set -e
		cd /opt/data
		mkdir -p profiles logs/gateways
		ln -s /etc profiles/evil
		mkdir -p profiles/evil2 && ln -s /etc/shadow profiles/evil2/SOUL.md && ln -s /etc/passwd profiles/evil2/.env
		ln -s /etc/shadow profiles/evil2/gateway_state.json; ln -s /etc profiles/evil2/logs
		rm -f logs/container-boot.log && ln -s /etc/passwd logs/container-boot.log
		rm -rf logs/gateways && ln -s /etc/cont-init.d logs/gateways
		for f in SOUL.md .env gateway.lock gateway.pid processes.json hermes.db state.db; do rm -f $f; ln -s /etc/shadow $f; done
		ln -s /etc /run/service/evil
		ln -s /etc/cont-init.d /run/service/.evil
	`)
	must(t, "kill", b.name)
	must(t, "start", b.name)
	// The gateway may be unable to run on such a volume; only the boot matters here.
	eventually(t, soon, "the boot is over", func() error {
		if b.inspect("{{.State.Status}}") == "running" && len(only(b.ps(), process.isHeartbeat)) == 0 {
			return fmt.Errorf("it goes on")
		}
		return nil
	})
	if b.inspect("{{.State.Status}}") != "running" {
		t.Logf("the container refused to boot: %s", b.lastLine())
		return
	}
	throughout(t, 2*time.Second, "root's files stay as they were", func() error {
		if after := b.mustExec("0", "sh", "-c", facts); after != before {
			return fmt.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		return nil
	})
}
