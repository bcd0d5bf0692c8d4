package systemd

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/hosted"
	"hermes/internal/service/restart"
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

func coder(t *testing.T) hosted.Definition {
	return hosted.Definition{
		ID: gatewayID(t, "coder"), Home: "/home/me/.hermes", Program: "/usr/local/bin/hermes", Kind: service.KindSystemd,
		KillAfter: 25 * time.Second, Rule: restart.Default(),
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
		t.Errorf("%s is not what is made now; `go test ./internal/service/systemd -update` writes it:\n%s", path, got)
	}
}

func TestUnitsAreTheGoldenOnes(t *testing.T) {
	odd := coder(t)
	odd.ID = service.Gateway(profile.Default())
	odd.Home, odd.Program = `/home/me/100% "my" \ $HOME/.hermes`, "/opt/50% $off/hermes"
	odd.Rule.Limit, odd.Rule.Window, odd.KillAfter = 3, 90*time.Second, 1500*time.Millisecond
	system := coder(t)
	system.User = "me"
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

func TestAUnitSaysWhoseItIs(t *testing.T) {
	d := coder(t)
	for _, home := range []string{"/a", "/a b ", `/a"b\`, "/é"} {
		d.Home = home
		if got, ok := owner([]byte(unitFile(d, 257))); !ok || got != home {
			t.Errorf("the unit of %q is read as %q's, %t", home, got, ok)
		}
	}
	if home, ok := owner([]byte("[Service]\nExecStart=/bin/true\n")); ok {
		t.Errorf("a unit that we did not make is %q's", home)
	}
}

func TestVersionsOfSystemdAreRead(t *testing.T) {
	for text, want := range map[string]int{"257.13-1~deb13u1": 257, "v255": 255, "247": 247, "": 0, "x": 0} {
		if got := parseVersion(text); got != want {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}
