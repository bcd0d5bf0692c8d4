package restart

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// end is the end of a process: by a code or by a signal.
type end struct {
	code   int
	signal Signal
}

func (e end) String() string {
	if e.signal.Name != "" {
		return e.signal.Name
	}
	return "code " + strconv.Itoa(e.code)
}

// ends returns all codes and the signals of which programs die.
func ends() (all []end) {
	for code := range 256 {
		all = append(all, end{code: code})
	}
	for _, s := range []Signal{{"SIGHUP", 1}, {"SIGINT", 2}, {"SIGQUIT", 3}, {"SIGILL", 4}, {"SIGTRAP", 5}, {"SIGABRT", 6}, {"SIGBUS", 7},
		{"SIGFPE", 8}, {"SIGKILL", 9}, {"SIGUSR1", 10}, {"SIGSEGV", 11}, {"SIGUSR2", 12}, {"SIGPIPE", 13}, {"SIGALRM", 14}, {"SIGTERM", 15}, {"SIGXCPU", 24}} {
		all = append(all, end{signal: s})
	}
	return all
}

// compare compares what a manager does after every end with the table.
func compare(t *testing.T, manager string, does func(end) Exit, same func(got, want Exit) bool) {
	t.Helper()
	for _, e := range ends() {
		if got, want := does(e), Of(e.code, e.signal.Name); !same(got, want) {
			t.Errorf("after %s %s does %d, and the table says %d", e, manager, got, want)
		}
	}
}

func exactly(got, want Exit) bool { return got == want }

// orStays is for managers that have only one kind of restart.
func orStays(got, want Exit) bool { return (got == Stay) == (want == Stay) }

func TestTheFinishScriptSaysWhatTheTableSays(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell here")
	}
	var script strings.Builder
	fmt.Fprintf(&script, "finish() {\n%s\nexit 1\n}\n", Shell())
	for _, e := range ends() {
		code := e.code
		if e.signal.Name != "" {
			code = 256
		}
		fmt.Fprintf(&script, "(finish %d %d); echo $?\n", code, e.signal.Number)
	}
	out, err := exec.Command("sh", "-c", script.String()).Output()
	said := strings.Fields(string(out))
	if err != nil || len(said) != len(ends()) {
		t.Fatalf("%v, %q", err, out)
	}
	does := map[string]Exit{"125": Stay, "0": Again, "1": Failure}
	compare(t, "the finish script", func(e end) Exit { return does[said[slices.Index(ends(), e)]] }, exactly)
}

// systemdDoes returns what systemd does according to systemd.service(5), with Restart=on-failure and the settings that change it.
func systemdDoes(settings string, e end) Exit {
	value := map[string][]string{}
	for line := range strings.Lines(settings) {
		name, words, _ := strings.Cut(strings.TrimSpace(line), "=")
		value[name] = strings.Fields(words)
	}
	word := strconv.Itoa(e.code)
	if e.signal.Name != "" {
		word = e.signal.Name
	}
	clean := word == "0" || slices.Contains([]string{"SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"}, word) || slices.Contains(value["SuccessExitStatus"], word)
	switch {
	case slices.Contains(value["RestartPreventExitStatus"], word):
		return Stay
	case slices.Contains(value["RestartForceExitStatus"], word):
		return Again
	case clean:
		return Stay
	}
	return Failure
}

func TestTheUnitSaysWhatTheTableSays(t *testing.T) {
	for _, version := range []int{247, 254, 258} {
		settings := SystemdService(Default(), version)
		if !strings.HasPrefix(settings, "Restart=on-failure\n") {
			t.Fatalf("systemd is told:\n%s", settings)
		}
		compare(t, "systemd", func(e end) Exit { return systemdDoes(settings, e) }, orStays)
		for _, e := range ends() { // an end after which it starts at once is no failure of the unit
			if e.signal.Name == "" && (Of(e.code, "") == Again) != slices.Contains(strings.Fields(strings.Split(settings, "\n")[1][len("SuccessExitStatus="):]), strconv.Itoa(e.code)) {
				t.Errorf("%s is a success, or is not", e)
			}
		}
	}
}

func TestTheJobSaysWhatTheTableSays(t *testing.T) {
	keys := Launchd()
	compare(t, "launchd", func(e end) Exit {
		successful := e.signal.Name == "" && Reported(e.code) == 0
		if successful == keys.KeepAlive.SuccessfulExit { // true: restart as long as it ends with 0; false: "in the inverse condition"
			return Failure
		}
		return Stay
	}, orStays)
}

func TestTheRecoveryOfAWindowsServiceSaysWhatTheRuleSays(t *testing.T) {
	compare(t, "Windows", func(e end) Exit {
		if e.signal.Name == "" && Reported(e.code) == 0 {
			return Stay
		}
		return Failure
	}, orStays)
	rule := Rule{First: 2 * time.Second, Max: 9 * time.Second, Healthy: time.Hour, Limit: 6, Window: time.Hour}
	recovery := Windows(rule)
	var failures []time.Time
	for n := 0; ; n++ {
		failures = append(failures, time.Unix(int64(n), 0))
		d := rule.Decide(failures)
		if d.GiveUp != (n == len(recovery.Pauses)) {
			t.Fatalf("after failure %d: given up %t, and %d pauses", n+1, d.GiveUp, len(recovery.Pauses))
		}
		if d.GiveUp {
			break
		}
		if d.Delay != recovery.Pauses[n] {
			t.Errorf("after failure %d: %s, and the rule says %s", n+1, recovery.Pauses[n], d.Delay)
		}
	}
	if recovery.Reset != rule.Window {
		t.Errorf("forgotten after %s", recovery.Reset)
	}
}

// TestThePausesOfAUnitAreTheRules: with RestartSteps= each pause is longer than the last by the same factor, from RestartSec= to
// RestartMaxDelaySec=.
func TestThePausesOfAUnitAreTheRules(t *testing.T) {
	rule := Default()
	settings := SystemdService(rule, resetRestarts)
	for _, want := range []string{"RestartSec=1\n", "RestartSteps=6\n", "RestartMaxDelaySec=60\n"} { // 1 2 4 8 16 32 60
		if !strings.Contains(settings, want) {
			t.Errorf("%q is not in\n%s", want, settings)
		}
	}
	steps := 0
	for n := 2; rule.Pause(n) < rule.Max; n++ {
		steps++
	}
	if steps != 6 {
		t.Errorf("the rule takes %d steps", steps)
	}
	if got := SystemdUnit(rule); got != "StartLimitIntervalSec=600\nStartLimitBurst=10\n" {
		t.Errorf("given up: %q", got)
	}
}
