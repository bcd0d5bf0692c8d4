package container_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// nasty is one bad thing on a hostile volume.
type nasty struct {
	name string // of the directory in profiles/
	// make is a shell script that makes it, in profiles/, as root; $1 is the name. "" makes a profile of that name, when the name
	// alone is bad.
	make string
	want string // the action in the boot log; "" for no line at all
	runs bool   // its gateway may run in spite of it
}

// nasties returns the content of the volume. Unless their state file is what is wrong, their gateways are wanted up.
func nasties() []nasty {
	var all []nasty
	for _, name := range []string{
		"Bad Name", "UPPER", "-rf", "_x", "ünï", "日本", "root", "hermes", "default", `quo"te`, "a=b", "$(touch pwned)", "`id`",
		";reboot;", "'", "\\", "tab\there", "evil\n2026-01-01T00:00:00Z profile=p00 prior_state=running action=skipped",
		"x\x1b[31mred\x1b]0;title\x07", "c1\u009b31m", "\xff\xfe", "rtl\u202egnp", "cr\rover", strings.Repeat("n", 65), strings.Repeat("n", 255),
		"gateway.default", "p00 ",
	} {
		all = append(all, nasty{name: name, want: "skipped"})
	}
	in := func(slug, want, script string) {
		all = append(all, nasty{name: slug, want: want, make: `profile "$1" 0 '` + wantsRunning + `'; cd "$1"; ` + script})
	}
	lives := func(slug, want, script string) {
		in(slug, want, script)
		all[len(all)-1].runs = true
	}
	for _, f := range []struct{ file, slug, special string }{
		{"SOUL.md", "soul", "skipped"}, {"gateway_state.json", "state", "registered"},
		{".env", "env", "started"}, {"config.yaml", "config", "started"},
	} {
		add := in
		if f.slug == "state" {
			add = lives // it can be renamed
		}
		add(f.slug+"-fifo", f.special, "rm -f "+f.file+"; mkfifo "+f.file)
		add(f.slug+"-dir", f.special, "rm -f "+f.file+"; mkdir "+f.file+"; echo x >"+f.file+"/x")
		add(f.slug+"-link", f.special, "ln -sf /etc/passwd "+f.file)
		add(f.slug+"-link-outside", f.special, "ln -sf /outside/secret "+f.file)
		add(f.slug+"-dangling", f.special, "ln -sf /etc/made-by-hermes "+f.file)
		add(f.slug+"-self", f.special, "rm -f "+f.file+"; ln -s "+f.file+" "+f.file)
		add(f.slug+"-device", f.special, "rm -f "+f.file+"; mknod "+f.file+" c 1 5")
	}
	for _, f := range []struct{ file, slug, want string }{{".env", "env", "started"}, {"config.yaml", "config", "started"}} {
		in(f.slug+"-huge", f.want, "truncate -s 100M "+f.file)
		in(f.slug+"-no-rights", f.want, "touch "+f.file+"; chmod 000 "+f.file)
		in(f.slug+"-binary", f.want, "head -c 5000 /dev/urandom >"+f.file)
	}
	lives("state-huge", "registered", "truncate -s 100M gateway_state.json")
	lives("state-half", "registered", `printf '{"gateway_state":"runn' >gateway_state.json`)
	lives("state-empty", "registered", ": >gateway_state.json")
	lives("state-deep", "registered", "head -c 500000 /dev/zero | tr '\\0' '[' >gateway_state.json")
	in("state-no-rights", "registered", "chmod 000 gateway_state.json")
	lives("state-word", "registered", `printf '{"gateway_state":"\\u001b[31m\\nx action=started"}' >gateway_state.json`)
	in("config-deep", "started", "head -c 100000 /dev/zero | tr '\\0' '[' >config.yaml")
	in("no-rights", "skipped", "cd ..; chmod 000 \"$1\"")
	in("lock-link", "started", "ln -s /etc/made-by-hermes gateway.lock")
	in("lock-fifo", "started", "mkfifo gateway.lock")
	in("lock-dir", "started", "mkdir gateway.lock")
	in("db-dir", "started", "mkdir hermes.db")
	lives("former-db-dir", "started", "mkdir state.db")
	in("db-link", "started", "ln -s /etc/made-by-hermes hermes.db")
	lives("former-db-link", "started", "ln -s /etc/made-by-hermes state.db")
	lives("pid-link", "started", "ln -s /etc/hostname gateway.pid; ln -s /etc/passwd processes.json")
	in("pid-dir", "started", "mkdir gateway.pid; echo x >gateway.pid/x")
	lives("deep-tree", "started", "i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done")
	lives("log-link", "started", "mkdir -p ../../logs/gateways; ln -s /etc ../../logs/gateways/log-link")
	lives("log-fifo", "started", "mkdir -p ../../logs/gateways; mkfifo ../../logs/gateways/log-fifo")
	lives("log-current-link", "started", "mkdir -p ../../logs/gateways/log-current-link; ln -s /etc/passwd ../../logs/gateways/log-current-link/current")
	return append(all,
		nasty{name: "home-link-etc", make: `ln -s /etc "$1"`, want: "skipped"},
		nasty{name: "home-link-good", make: `ln -s p00 "$1"`, want: "skipped"},
		nasty{name: "home-link-outside", make: `ln -s /outside "$1"`, want: "skipped"},
		nasty{name: "home-dangling", make: `ln -s /nowhere "$1"`, want: "skipped"},
		nasty{name: "home-fifo", make: `mkfifo "$1"`, want: "skipped"},
		nasty{name: "home-device", make: `mknod "$1" c 1 5`, want: "skipped"},
		nasty{name: "a-file", make: `echo x >"$1"`},
		nasty{name: "an-empty-directory", make: `mkdir "$1"`},
		nasty{name: ".hidden"},
		nasty{name: "..x"},
	)
}

func hostileScript(list []nasty) string {
	var b strings.Builder
	// The function `profile` works in the directory above profiles/.
	b.WriteString("mkdir -p profiles\n")
	for _, n := range list {
		script := n.make
		if script == "" {
			script = `profile "$1" 0 '` + wantsRunning + `'`
		}
		script = strings.ReplaceAll(script, "profile \"$1\" 0", "cd /opt/data; profile \"$1\" 0")
		script = strings.Replace(script, "}'; cd \"$1\";", "}'; cd -- \"profiles/$1\";", 1)
		fmt.Fprintf(&b, "nasty() { cd profiles; %s; cd /opt/data; }; nasty %s\n", script, shellQuote(n.name))
	}
	return b.String()
}

// outsideListing prints the kind, rights, owner and content of everything that a hostile volume may try to change. It leaves out the
// files that docker puts into a container, because they differ from container to container.
const outsideListing = `for d in /etc /outside /usr/local /root /home /var /opt; do
	find "$d" -path /opt/data -prune -o \( -path /etc/hosts -o -path /etc/hostname -o -path /etc/resolv.conf -o -path /etc/mtab \) -prune -o -printf '%p %y %m %U:%G %l\n' | sort
	find "$d" -path /opt/data -prune -o \( -path /etc/hosts -o -path /etc/hostname -o -path /etc/resolv.conf \) -prune -o -type f -print0 | sort -z | xargs -0r sha256sum
done`

const fillOutside = `mkdir -p /outside/dir
echo 'top secret' >/outside/secret; echo 'You are outside.' >/outside/SOUL.md; echo x >/outside/dir/file
chmod 0600 /outside/secret; chmod 0700 /outside/dir; chown -R 0:0 /outside
`

// readable returns an error for the first character in a text that a terminal would not show as text.
func readable(text string) error {
	for i, r := range text {
		if r == utf8.RuneError && !utf8.ValidString(text[i:min(len(text), i+3)]) || r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return fmt.Errorf("%q", text[max(0, i-40):min(len(text), i+20)])
		}
	}
	return nil
}

// TestFleetHostileVolumeBootsTheGoodProfiles: each nasty has exactly one line in the boot log, nothing hangs, nothing outside of the
// volume changes, and every command works in spite of them.
func TestFleetHostileVolumeBootsTheGoodProfiles(t *testing.T) {
	parallel(t)
	list := nasties()
	good := []string{"p00", "p01", "p02"}
	outside := volume(t)
	flags := []string{"-v", outside + ":/outside"}

	clean := start(t, options{vol: fleetVolume(t), flags: flags}, "sleep", "infinity")
	clean.waitFleet([]string{"default"}, nil)
	vol := volume(t)
	fillVolume(t, vol, fleetScript(fleetOf(3, wantsRunning))+hostileScript(list)+fillOutside, flags...)
	want := clean.mustExec("0", "sh", "-c", outsideListing)

	b := start(t, options{vol: vol, flags: flags}, "sleep", "infinity")
	goodRun := func() error {
		slots, err := b.fleetStatus()
		if err != nil {
			return err
		}
		for _, name := range good {
			if s := slots[name]; !s.up || !s.ready || !s.wantedUp {
				return fmt.Errorf("%s is %+v", name, s)
			}
		}
		return b.running()
	}
	unchanged := func(when string) {
		t.Helper()
		if got := b.mustExec("0", "sh", "-c", outsideListing); got != want {
			t.Errorf("%s, outside of the volume:\n%s", when, difference(want, got))
		}
	}
	eventually(t, soon, "the good profiles run", goodRun)
	unchanged("after the boot")
	b.checkHostileBootLog(list, good, 0)

	// Gateways whose files are wrong are given up, with a reason.
	for _, n := range list {
		if n.want != "started" {
			continue
		}
		slot := "gateway-" + n.name
		if n.runs {
			eventually(t, soon, n.name+" runs", b.isReady(slot))
			continue
		}
		if s, err := b.svstat(slot); err != nil || s.ready {
			t.Errorf("%s: %+v, %v", n.name, s, err)
		}
	}

	// Every command about each of them ends with a message.
	for _, n := range list {
		for _, args := range [][]string{{"gateway", "status"}, {"gateway", "start", "--timeout", "10s"}, {"gateway", "logs", "-n", "3"}, {"gateway", "stop", "--timeout", "10s"}} {
			r := b.exec("0", append([]string{"timeout", "40", "hermes", "-p", n.name}, args...)...)
			if r.Code == 124 || r.Code == 137 || strings.Contains(r.Stderr, "goroutine") {
				t.Errorf("%q: %s", n.name, r)
			}
			if args[1] == "start" && n.name != "default" && r.Code == 0 != n.runs {
				t.Errorf("%q: want it to start: %t: %s", n.name, n.runs, r)
			}
			if err := readable(r.Stdout + r.Stderr); err != nil {
				t.Errorf("%v about %q writes to the terminal %v", args, n.name, err)
			}
		}
	}
	for _, args := range [][]string{{"gateway", "list"}, {"status"}, {"profile", "list"}, {"boot", "reconcile", "--dry-run"}} {
		r := b.exec("0", append([]string{"timeout", "40", "hermes"}, args...)...)
		if r.Code != 0 {
			t.Error(r)
		}
		if err := readable(r.Stdout + r.Stderr); err != nil {
			t.Errorf("%v writes to the terminal %v", args, err)
		}
	}
	if err := goodRun(); err != nil {
		t.Error(err)
	}
	unchanged("after the commands")
	if err := readable(b.allLogs()); err != nil {
		t.Errorf("docker logs: %v", err)
	}

	// Boot once more, with what the first boot and the commands have left.
	before := b.bootLogSize()
	reboots[1].do(b)
	eventually(t, soon, "the good profiles run again", goodRun)
	if n := len(b.bootLines(before)); n < len(list)-3 {
		t.Errorf("the second boot wrote %d lines", n)
	}
	unchanged("after the second boot")
}

// checkHostileBootLog checks that each profile and each nasty has one line, and that each nasty has a reason.
func (b *box) checkHostileBootLog(list []nasty, good []string, from int) {
	b.t.Helper()
	if err := readable(b.mustExec("0", "cat", bootLogFile)); err != nil {
		b.t.Errorf("the boot log: %v", err)
	}
	lines := map[string][]bootLine{}
	for _, l := range b.bootLines(from) {
		lines[l.profile] = append(lines[l.profile], l)
	}
	for _, name := range good {
		if l := lines[name]; len(l) != 1 || l[0].action != "started" || l[0].reason != "" {
			b.t.Errorf("%s: %v", name, l)
		}
		delete(lines, name)
	}
	for _, n := range list {
		// The default profile has a line of its own too.
		l := slices.DeleteFunc(lines[n.name], func(l bootLine) bool { return n.name == "default" && l.action == "registered" })
		delete(lines, n.name)
		switch {
		case n.want == "" && len(l) == 0:
		case len(l) != 1 || l[0].action != n.want:
			b.t.Errorf("%q: the boot log says %v, want one line with %s", n.name, l, n.want)
		case n.want != "started" && l[0].reason == "":
			b.t.Errorf("%q: no reason in %q", n.name, l[0].text)
		}
	}
	delete(lines, "default")
	for name, l := range lines {
		b.t.Errorf("lines about %q: %v", name, l)
	}
}

// difference returns the lines that only one of the two texts has.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	var d strings.Builder
	for _, line := range a {
		if !slices.Contains(b, line) {
			d.WriteString("- " + line + "\n")
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			d.WriteString("+ " + line + "\n")
		}
	}
	return d.String()
}

// TestFleetHostileRootHome: things in the root home lead outside. The container boots or says why not; if it boots, the good
// profiles run; and nothing outside changes.
func TestFleetHostileRootHome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, script string
		good         bool // named profiles run in spite of it
	}{
		{"logs is a link to /etc", "ln -s /etc logs", true},
		{"logs is a link outside", "ln -s /outside logs", true},
		{"logs is a file", "echo x >logs", true},
		{"logs/gateways is a link to /etc", "mkdir logs; ln -s /etc logs/gateways", true},
		{"the boot log is a link to /etc/passwd", "mkdir logs; ln -s /etc/passwd logs/container-boot.log", true},
		{"the boot log is a FIFO", "mkdir logs; mkfifo logs/container-boot.log", true},
		{"the boot log's archive is a directory", "mkdir -p logs/container-boot.log.1/x; head -c 300000 /dev/zero >logs/container-boot.log", true},
		{"the root state is a link", "ln -s /etc/passwd gateway_state.json", true},
		{"the root SOUL.md is a FIFO", "mkfifo SOUL.md", true},
		{"the root .env is a link", "ln -s /outside/secret .env", true},
		{"the root .env is a dangling link", "ln -s /etc/made-by-hermes .env", true},
		{"the root config.yaml is a FIFO", "mkfifo config.yaml", true},
		{"the port lock is a link", "ln -s /etc/made-by-hermes .ports.lock", true},
		{"profiles is a link to /etc", "mv profiles other; ln -s /etc profiles", false},
		{"profiles is a link outside", "mv profiles other; ln -s /outside profiles", false},
		{"profiles is a file", "mv profiles other; echo x >profiles", false},
		{"profiles is a FIFO", "mv profiles other; mkfifo profiles", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			parallel(t)
			outside := volume(t)
			flags := []string{"-v", outside + ":/outside"}
			vol := volume(t)
			fillVolume(t, vol, fillOutside+fleetScript(fleetOf(2, wantsRunning))+"\n"+c.script+"\nmkdir -p /outside/p00; echo x >/outside/p00/SOUL.md\n", flags...)
			clean := start(t, options{flags: flags}, "sleep", "infinity")
			clean.waitFleet([]string{"default"}, nil)
			want := clean.mustExec("0", "sh", "-c", outsideListing)

			b := start(t, options{vol: vol, flags: flags}, "sleep", "infinity")
			if c.good {
				for _, name := range []string{"p00", "p01"} {
					eventually(t, soon, name+" runs", b.isReady("gateway-"+name))
				}
			}
			eventually(t, soon, "the container boots", func() error {
				if err := b.running(); err != nil {
					return err
				}
				if n := len(only(b.ps(), process.isHeartbeat)); n != 1 {
					return fmt.Errorf("%d heartbeats", n)
				}
				return b.isDown(gatewaySlot)()
			})
			r := b.exec("0", "timeout", "60", "hermes", "gateway", "start", "--timeout", "10s")
			if r.Code == 124 || strings.Contains(r.Stderr, "goroutine") {
				t.Error(r)
			}
			throughout(t, time.Second, "it stays up", b.running)
			if got := b.mustExec("0", "sh", "-c", outsideListing); got != want {
				t.Errorf("outside of the volume:\n%s", difference(want, got))
			}
			if strings.Contains(b.allLogs(), "top secret") {
				t.Error("docker logs shows what is outside")
			}
		})
	}
}
