package cli

import (
	"strings"
	"testing"
)

// TestWhichCommandsHandOver is what a container's init knows of its command before that runs (M3, M6).
func TestWhichCommandsHandOver(t *testing.T) {
	for command, want := range map[string]bool{
		"gateway run": true, "gateway": true, "-p coder gateway run": true, "gateway -p coder run --replace": true,
		"gateway run --format json": true, "--format=json gateway": true,
		"gateway run --no-supervise": false, "gateway --no-supervise": false, "gateway run --no-supervise=false": true,
		"gateway run --help": false, "gateway run --bogus": false, "gateway run extra": false, "gateway runn": false,
		"gateway start": false, "": false, "status": false, "up": false, "nosuchcommand": false,
		"sh -c true": false, "sleep 1": false,
	} {
		a := &app{getenv: func(string) string { return "" }}
		if got := a.redirected(strings.Fields(command)); got != want {
			t.Errorf("%q: %v, want %v", command, got, want)
		}
	}
	for value, want := range map[string]bool{"1": false, "YES": false, "on": true, "0": true} {
		a := &app{getenv: func(name string) string { return map[string]string{"HERMES_GATEWAY_NO_SUPERVISE": value}[name] }}
		if got := a.redirected([]string{"gateway", "run"}); got != want {
			t.Errorf("opt-out %q: %v, want %v", value, got, want)
		}
	}
	if (&app{getenv: func(name string) string { return map[string]string{"HERMES_S6_SUPERVISED_CHILD": "1"}[name] }}).redirected([]string{"gateway", "run"}) {
		t.Error("a supervised child hands over")
	}
}
