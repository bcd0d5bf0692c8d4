package host

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
)

var update = flag.Bool("update", false, "write the golden files")

func gatewayID(t *testing.T, name string) service.ID {
	t.Helper()
	n, err := profile.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	return service.Gateway(n)
}

func coder(t *testing.T) definition {
	return definition{
		id: gatewayID(t, "coder"), home: "/home/me/.hermes", program: "/usr/local/bin/hermes", kind: service.KindSystemd,
		killAfter: 25 * time.Second, rule: service.DefaultBackoff(),
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("%s is not what is made now; `go test ./internal/service/host -update` writes it:\n%s", path, got)
	}
}

func TestUnitsAreTheGoldenOnes(t *testing.T) {
	odd := coder(t)
	odd.id = service.Gateway(profile.Default())
	odd.home, odd.program = `/home/me/100% "my" \ $HOME/.hermes`, "/opt/50% $off/hermes"
	odd.rule.Limit, odd.rule.Window, odd.killAfter = 3, 90*time.Second, 1500*time.Millisecond
	system := coder(t)
	system.user = "me"
	for name, text := range map[string]string{
		"user.service":       unitFile(coder(t), 257),
		"user-new.service":   unitFile(coder(t), 258),
		"user-old.service":   unitFile(coder(t), 253),
		"user-odd.service":   unitFile(odd, 254),
		"system.service":     unitFile(system, 257),
		"system-old.service": unitFile(system, 247),
	} {
		golden(t, name, text)
	}
}

func TestJobsAreTheGoldenOnes(t *testing.T) {
	agent := coder(t)
	agent.kind, agent.home = service.KindLaunchd, "/Users/me/<Q&A>/.hermes"
	daemon := agent
	daemon.user = "me"
	for name, d := range map[string]definition{"agent.plist": agent, "daemon.plist": daemon} {
		golden(t, name, plist(d))
		if home, ok := plistHome([]byte(plist(d))); !ok || home != d.home {
			t.Errorf("%s: its home is read as %q, %t", name, home, ok)
		}
	}
	if home, ok := plistHome([]byte("<plist/>")); ok {
		t.Errorf("a job that we did not make is %q's", home)
	}
}

func TestAUnitSaysWhoseItIs(t *testing.T) {
	d := coder(t)
	for _, home := range []string{"/a", "/a b ", `/a"b\`, "/é"} {
		d.home = home
		if got, ok := owner([]byte(unitFile(d, 257))); !ok || got != home {
			t.Errorf("the unit of %q is read as %q's, %t", home, got, ok)
		}
	}
	if home, ok := owner([]byte("[Service]\nExecStart=/bin/true\n")); ok {
		t.Errorf("a unit that we did not make is %q's", home)
	}
}

func TestWhatAUnitCannotHoldIsRefused(t *testing.T) {
	for name, change := range map[string]func(*definition){
		"relative home":      func(d *definition) { d.home = "hermes" },
		"newline in home":    func(d *definition) { d.home = "/a\nExecStartPre=/bin/evil" },
		"not UTF-8":          func(d *definition) { d.home = "/a\xff" },
		"control in program": func(d *definition) { d.program = "/a\x1b/hermes" },
		"quote in program":   func(d *definition) { d.program = `/a"b/hermes` },
		"specifier in user":  func(d *definition) { d.user = "%u" },
		"newline in user":    func(d *definition) { d.user = "me\nUser=root" },
		"the dashboard":      func(d *definition) { d.id = service.Dashboard() },
	} {
		d := coder(t)
		change(&d)
		if err := d.check(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	d := coder(t)
	if err := d.check(); err != nil {
		t.Error(err)
	}
}

func TestVersionsOfSystemdAreRead(t *testing.T) {
	for text, want := range map[string]int{"257.13-1~deb13u1": 257, "v255": 255, "247": 247, "": 0, "x": 0} {
		if got := parseVersion(text); got != want {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}
