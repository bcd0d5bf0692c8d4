package hosted

import (
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/restart"
)

func gatewayID(t *testing.T, name string) service.ID {
	t.Helper()
	n, err := profile.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	return service.Gateway(n)
}

func coder(t *testing.T) Definition {
	return Definition{
		ID: gatewayID(t, "coder"), Home: "/home/me/.hermes", Program: "/usr/local/bin/hermes", Kind: service.KindSystemd,
		KillAfter: 25 * time.Second, Rule: restart.Default(),
	}
}

func TestWhatAUnitCannotHoldIsRefused(t *testing.T) {
	for name, change := range map[string]func(*Definition){
		"relative home":      func(d *Definition) { d.Home = "hermes" },
		"newline in home":    func(d *Definition) { d.Home = "/a\nExecStartPre=/bin/evil" },
		"not UTF-8":          func(d *Definition) { d.Home = "/a\xff" },
		"control in program": func(d *Definition) { d.Program = "/a\x1b/hermes" },
		"quote in program":   func(d *Definition) { d.Program = `/a"b/hermes` },
		"specifier in user":  func(d *Definition) { d.User = "%u" },
		"newline in user":    func(d *Definition) { d.User = "me\nUser=root" },
		"the dashboard":      func(d *Definition) { d.ID = service.Dashboard() },
	} {
		d := coder(t)
		change(&d)
		if err := d.Check(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	d := coder(t)
	if err := d.Check(); err != nil {
		t.Error(err)
	}
}
