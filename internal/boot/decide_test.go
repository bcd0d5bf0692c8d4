package boot

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hermes/internal/profile"
)

// TestEveryRowOfTheBootTable has its own copy of the table in contract "Boot", with every pair of states that the file may have.
func TestEveryRowOfTheBootTable(t *testing.T) {
	rows := map[profile.DesiredState]map[profile.GatewayState]Action{
		profile.DesiredStopped: {"running": Registered, "degraded": Registered, "draining": Registered, "starting": Registered,
			"stopped": Registered, "": Registered, "startup_failed": Registered},
		profile.DesiredRunning: {"running": Started, "degraded": Started, "draining": Started, "starting": Started,
			"stopped": Started, "": Started, "startup_failed": Registered},
		profile.DesiredUnset: {"running": Started, "degraded": Started, "draining": Started, "starting": Registered,
			"stopped": Registered, "": Registered, "startup_failed": Registered},
	}
	for desired, states := range rows {
		if len(states) != 7 {
			t.Errorf("%q has %d rows", desired, len(states))
		}
		for gateway, want := range states {
			if got := decide(profile.State{Desired: desired, Gateway: gateway}); got != want {
				t.Errorf("desired %q, gateway %q: %s, want %s", desired, gateway, got, want)
			}
		}
	}
}

func TestNothingButIntentAndStateDecides(t *testing.T) {
	states := []profile.GatewayState{"", "starting", "running", "degraded", "draining", "stopped", "startup_failed"}
	rapid.Check(t, func(t *rapid.T) {
		s := profile.State{
			Desired: rapid.SampledFrom([]profile.DesiredState{"", "running", "stopped"}).Draw(t, "desired"),
			Gateway: rapid.SampledFrom(states).Draw(t, "gateway"),
		}
		noisy := s
		noisy.PID, noisy.ActiveAgents = rapid.Int().Draw(t, "pid"), rapid.Int().Draw(t, "agents")
		noisy.ExitReason, noisy.RestartRequested = rapid.String().Draw(t, "reason"), rapid.Bool().Draw(t, "restart")
		if decide(s) != decide(noisy) {
			t.Fatalf("%+v is decided another way than %+v", noisy, s)
		}
		if a := decide(noisy); a != Started && a != Registered || a == Started && (s.Desired == "stopped" || s.Gateway == "startup_failed") {
			t.Fatalf("%+v: %s", noisy, a)
		}
	})
}

// parseLine parses a line of the boot log.
func parseLine(t *testing.T, line string) map[string]string {
	t.Helper()
	when, rest, ok := strings.Cut(line, " ")
	fields := map[string]string{"time": when}
	var order []string
	for ok && rest != "" {
		var name, value string
		name, rest, _ = strings.Cut(rest, "=")
		if strings.HasPrefix(rest, `"`) {
			quoted := prefixQuoted(rest)
			if quoted == "" {
				t.Fatalf("open quote in %q", line)
			}
			value, rest = unquote(t, quoted), strings.TrimPrefix(rest[len(quoted):], " ")
		} else {
			value, rest, _ = strings.Cut(rest, " ")
		}
		fields[name] = value
		order = append(order, name)
	}
	if want := []string{"profile", "prior_state", "action", "reason"}; !slices.Equal(order, want[:min(len(order), 4)]) || len(order) < 3 {
		t.Fatalf("fields %q in %q", order, line)
	}
	return fields
}

func prefixQuoted(s string) string {
	q, err := strconv.QuotedPrefix(s)
	if err != nil {
		return ""
	}
	return q
}

func unquote(t *testing.T, s string) string {
	t.Helper()
	v, err := strconv.Unquote(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
