package container_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// rootCommands are the commands that root may run about a volume, with the profiles that they need. `boot` is tested separately,
// because it needs a container without a tree.
var rootCommands = [][]string{
	{"doctor"}, {"doctor", "--fix"}, {"status"}, {"gateway", "list"}, {"gateway", "status"}, {"gateway", "logs", "-n", "5"}, {"gateway", "logs", "--all", "-n", "5"},
	{"-p", "p00", "gateway", "stop", "--timeout", "2s"}, {"-p", "p00", "gateway", "start", "--timeout", "2s"}, {"gateway", "restart", "--timeout", "2s"},
	{"profile", "list"}, {"profile", "show", "p00"}, {"profile", "create", "fresh"}, {"profile", "create", "twin", "--clone", "p01"},
	{"profile", "rename", "fresh", "other"}, {"profile", "export", "p01", "-o", "/tmp/p01.tar.zst", "--force"}, {"profile", "import", "/tmp/p01.tar.zst", "--as", "back"},
	{"profile", "use", "p01"}, {"profile", "use", "--clear"}, {"healthcheck"},
	{"-p", "p01", "sessions", "list"}, {"-p", "p01", "sessions", "show", "s"}, {"-p", "p01", "sessions", "prune", "--older-than", "1d", "--yes"}, {"-p", "p01", "sessions", "delete", "s", "--yes"},
	{"profile", "delete", "other", "--yes"}, {"profile", "delete", "fresh", "--yes"}, {"profile", "delete", "twin", "--yes"}, {"profile", "delete", "back", "--yes"},
}

// rounds returns how often each command runs. It is often enough to hit each of the windows now and then in every run of the tests.
// script/attack runs them more often.
func rounds(usual int) string {
	if n, err := strconv.Atoi(os.Getenv("HERMES_ATTACK_ROUNDS")); err == nil {
		return strconv.Itoa(usual * n)
	}
	return strconv.Itoa(usual)
}

// swap creates, beside each directory that root's commands walk, a link to a place of root's. It swaps the two all the time, as the
// runtime user, who owns them.
func (b *box) swap(t *testing.T) {
	t.Helper()
	b.mustExec("10000", "sh", "-c", `cd /opt/data && mkdir -p profiles logs/gateways/p00 &&
		ln -s /outside .a && ln -s /etc/cont-finish.d logs/.b && ln -s /etc profiles/.c && ln -s /etc logs/gateways/.d && ln -s /etc/cont-init.d .e &&
		ln -s /etc/passwd .f`)
	for _, pairs := range [][]string{
		{"/opt/data/profiles", "/opt/data/.a", "/opt/data/profiles/p00", "/opt/data/profiles/.c"},
		{"/opt/data/logs/gateways", "/opt/data/logs/.b", "/opt/data/logs", "/opt/data/.e"},
	} {
		b.background("10000", append([]string{"/testclient", "exchange"}, pairs...)...)
	}
	eventually(t, soon, "names are swapped", func() error {
		if n := len(only(b.ps(), func(p process) bool { return p.Comm == "testclient" })); n != 2 {
			return fmt.Errorf("%d swap", n)
		}
		return nil
	})
}

// TestRootsCommandsChangeNothingOutsideOfAVolumeUnderAttack: while the runtime user swaps directories with links, root runs every
// command, with the variable that lets root stay root.
func TestRootsCommandsChangeNothingOutsideOfAVolumeUnderAttack(t *testing.T) {
	parallel(t)
	outside := volume(t)
	vol := volume(t)
	fillVolume(t, vol, fleetScript(fleetOf(2, wantsRunning))+fillOutside, "-v", outside+":/outside")
	b := start(t, options{vol: vol, flags: []string{"-v", outside + ":/outside"}}, "sleep", "infinity")
	b.waitFleet([]string{"default", "p00", "p01"}, []string{"p00", "p01"})
	before := b.mustExec("0", "sh", "-c", outsideListing)
	b.swap(t)
	var script strings.Builder
	script.WriteString("export HERMES_DOCKER_EXEC_AS_ROOT=1; i=0; while [ $i -lt $1 ]; do i=$((i+1))\n")
	for _, c := range rootCommands {
		// Under attack any command may fail, but none may hang.
		fmt.Fprintf(&script, "timeout 60 hermes %s >/dev/null 2>&1 </dev/null; [ $? != 124 ] || { echo hangs: %[1]s; exit 1; }\n", strings.Join(c, " "))
	}
	script.WriteString("done")
	if r := b.exec("0", "sh", "-c", script.String(), "sh", rounds(4)); r.Code != 0 {
		t.Error(r)
	}
	if after := b.mustExec("0", "sh", "-c", outsideListing); after != before {
		t.Errorf("outside of the volume:\n%s", difference(before, after))
	}
}

// TestABootsHealingChangesNothingOutsideOfAVolumeUnderAttack does the same with the step of the boot that root does itself, in a
// container without trees. Each time there are files of root's on the volume whose owner has to be changed.
func TestABootsHealingChangesNothingOutsideOfAVolumeUnderAttack(t *testing.T) {
	parallel(t)
	outside := volume(t)
	b := start(t, options{vol: volume(t), flags: []string{"-v", outside + ":/outside", "--entrypoint", "/bin/sleep"}}, "infinity")
	b.mustExec("0", "sh", "-c", "cd /opt/data; chown 10000:10000 .; "+fillOutside)
	b.mustExec("10000", "sh", "-c", "cd /opt/data; mkdir -p profiles/p00 logs/gateways/p00; echo x >profiles/p00/SOUL.md")
	before := b.mustExec("0", "sh", "-c", outsideListing)
	b.swap(t)
	r := b.exec("0", "sh", "-c", `i=0; while [ $i -lt $1 ]; do i=$((i+1))
		chown -h 0:0 /opt/data/.f; chown -h 0:0 /opt/data/logs/gateways/p00 2>/dev/null # by a path that may lead to /etc, where there is none such
		hermes boot setup >/dev/null 2>&1 || { hermes boot setup; exit 1; }
	done`, "sh", rounds(500))
	if r.Code != 0 {
		t.Error(r)
	}
	if after := b.mustExec("0", "sh", "-c", outsideListing); after != before {
		t.Errorf("outside of the volume:\n%s", difference(before, after))
	}
}

// TestRootsCommandsFollowNoLinkOnAVolume: here the directories are links from the beginning, so no race is needed.
func TestRootsCommandsFollowNoLinkOnAVolume(t *testing.T) {
	parallel(t)
	outside := volume(t)
	vol := volume(t)
	fillVolume(t, vol, fillOutside+"mkdir -p /outside/victim; echo x >/outside/victim/f; echo x >/outside/victim/SOUL.md\n", "-v", outside+":/outside")
	b := start(t, options{vol: vol, flags: []string{"-v", outside + ":/outside"}}, "sleep", "infinity")
	b.waitFleet([]string{"default"}, nil)
	b.mustExec("10000", "sh", "-c", "cd /opt/data; rm -rf logs/gateways profiles; ln -s /outside logs/gateways; ln -s /outside profiles")
	before := b.mustExec("0", "sh", "-c", outsideListing)
	for _, args := range [][]string{
		{"profile", "delete", "victim", "--yes"}, {"profile", "rename", "victim", "other"}, {"profile", "create", "victim"}, {"profile", "create", "other"},
		{"profile", "export", "victim", "-o", "/tmp/x"}, {"gateway", "logs", "-p", "victim"}, {"doctor", "--fix"}, {"profile", "list"}, {"gateway", "list"},
	} {
		for _, env := range []string{"0", "1"} {
			b.exec("0", append([]string{"env", "HERMES_DOCKER_EXEC_AS_ROOT=" + env, "timeout", "60", "hermes"}, args...)...)
		}
	}
	if after := b.mustExec("0", "sh", "-c", outsideListing); after != before {
		t.Errorf("outside of the volume:\n%s", difference(before, after))
	}
}

// TestHealingLeavesMountsAlone (M15): a directory and a socket of the host that are mounted into the volume keep their owners.
func TestHealingLeavesMountsAlone(t *testing.T) {
	parallel(t)
	host := volume(t)
	vol := volume(t)
	fillVolume(t, vol, "mkdir -p work profiles/coder; echo x >/host/file; chown -R 0:0 /host; chown 0:0 profiles/coder", "-v", host+":/host")
	b := start(t, options{vol: vol, flags: []string{"-v", host + ":/opt/data/work", "-v", host + ":/opt/data/profiles/coder/mnt"}}, "sleep", "infinity")
	b.waitFleet([]string{"default"}, nil)
	for _, path := range []string{"/opt/data/work", "/opt/data/work/file", "/opt/data/profiles/coder/mnt"} {
		if got := strings.TrimSpace(b.mustExec("0", "stat", "-c", "%u:%g", path)); got != "0:0" {
			t.Errorf("%s was given to %s", path, got)
		}
	}
	if got := strings.TrimSpace(b.mustExec("0", "stat", "-c", "%u:%g", "/opt/data/profiles/coder")); got != "10000:10000" {
		t.Errorf("what is no mount belongs to %s", got)
	}
	if all := b.allLogs(); !strings.Contains(all, "left alone, because it is mounted from elsewhere") || !strings.Contains(all, "/opt/data/work") {
		t.Errorf("the boot does not say what it left alone:\n%s", all)
	}
}

// TestDoctorHealsAsRootAndDoesTheRestAsTheRuntimeUser: the runtime user can register a slot, which root itself cannot.
func TestDoctorHealsAsRootAndDoesTheRestAsTheRuntimeUser(t *testing.T) {
	parallel(t)
	b := startFleet(t, options{vol: fleetVolume(t, fleetOf(1, "")...)}, []string{"p00"}, nil)
	b.mustExec("0", "sh", "-c", "echo x >/opt/data/profiles/p00/note; chown 0:0 /opt/data/profiles/p00/note /opt/data/profiles/p00/SOUL.md")
	// A profile that was made by hand has no slot yet.
	b.mustExec("10000", "sh", "-c", "cd /opt/data/profiles && mkdir late && echo x >late/SOUL.md")
	r := b.exec("0", "env", "HERMES_DOCKER_EXEC_AS_ROOT=1", "hermes", "doctor", "--fix")
	for _, want := range []string{"files and directories to 10000:10000", "registered the slot of 'late'"} {
		if !strings.Contains(r.Stdout, want) {
			t.Errorf("no %q: %s", want, r)
		}
	}
	b.everythingBelongsTo("10000:10000")
	b.waitFleet([]string{"default", "p00", "late"}, nil)
}
