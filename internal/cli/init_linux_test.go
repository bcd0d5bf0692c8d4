package cli

import (
	"strings"
	"testing"
)

// TestWhichCommandsHandOver tries what a container's init finds out about its command before the command runs (M3, M6).
func TestWhichCommandsHandOver(t *testing.T) {
	for command, want := range map[string]bool{
		"gateway run": true, "gateway": true, "-p coder gateway run": true, "gateway -p coder run --replace": true,
		"gateway run --format json": true, "--format=json gateway": true,
		"gateway run --no-supervise": false, "gateway --no-supervise": false, "gateway run --no-supervise=false": true,
		"gateway run --help": false, "gateway run --bogus": false, "gateway run extra": false, "gateway runn": false,
		"gateway start": false, "": false, "status": false, "up": false, "nosuchcommand": false,
		"sh -c true": false, "sleep 1": false,
	} {
		if got := redirected(strings.Fields(command), func(string) string { return "" }); got != want {
			t.Errorf("%q: %v, want %v", command, got, want)
		}
	}
	for value, want := range map[string]bool{"1": false, "YES": false, "on": true, "0": true} {
		getenv := func(name string) string { return map[string]string{"HERMES_GATEWAY_NO_SUPERVISE": value}[name] }
		if got := redirected([]string{"gateway", "run"}, getenv); got != want {
			t.Errorf("opt-out %q: %v, want %v", value, got, want)
		}
	}
	child := func(name string) string { return map[string]string{"HERMES_S6_SUPERVISED_CHILD": "1"}[name] }
	if redirected([]string{"gateway", "run"}, child) {
		t.Error("a supervised child hands over")
	}
}
