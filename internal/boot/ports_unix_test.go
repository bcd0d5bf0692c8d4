//go:build unix

package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
)

func ownEnv(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, ".env"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(data)
}

// TestAProfileFromOutsideHasItsPortBeforeItsSlot: as soon as the slot is written the gateway may start, and then its port must be
// known.
func TestAProfileFromOutsideHasItsPortBeforeItsSlot(t *testing.T) {
	root := t.TempDir()
	dir := add(t, root, "coder", "")
	s := &slots{refuse: func(spec service.Spec) error {
		if spec.ID.String() == "gateway-coder" && !strings.Contains(ownEnv(t, dir), "API_SERVER_PORT=9653\n") {
			t.Errorf("the slot came first: %q", ownEnv(t, dir))
		}
		return nil
	}}
	if o := reconcile(t, root, s, vars(map[string]string{"API_SERVER_PORT": "7777"}))["coder"]; o.Reason != "" {
		t.Error(o)
	}
	before := ownEnv(t, dir)
	reconcile(t, root, s, none)
	if got := ownEnv(t, dir); got != before {
		t.Errorf("the next boot made %q of %q", got, before)
	}
}

func TestADryRunAssignsNoPort(t *testing.T) {
	root := t.TempDir()
	dir := add(t, root, "coder", "")
	if _, err := Reconcile(profile.NewStore(root), &slots{}, none, true); err != nil {
		t.Fatal(err)
	}
	if got := ownEnv(t, dir); got != "" {
		t.Error(got)
	}
}

func TestTwoProfilesWithOneExplicitPortAreNamedAndBothRegistered(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(add(t, root, name, ""), ".env"), []byte("API_SERVER_PORT=9300\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &slots{}
	outcomes := reconcile(t, root, s, none)
	if outcomes["a"].Reason != "" || outcomes["b"].Reason != "its port 9300 is also that of profile 'a'" || outcomes["b"].Action != Registered {
		t.Error(outcomes)
	}
}

// TestOneProfileWithoutAPortStopsNobody: a wrong .env keeps its own profile from getting a port, but no other.
func TestOneProfileWithoutAPortStopsNobody(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(add(t, root, "bad", ""), ".env"), []byte("no such form\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := add(t, root, "good", "")
	outcomes := reconcile(t, root, &slots{}, none)
	if o := outcomes["bad"]; o.Action != Registered || !strings.Contains(o.Reason, "want lines of the form NAME=value") {
		t.Error(o)
	}
	if !strings.Contains(ownEnv(t, good), "API_SERVER_PORT=") {
		t.Error(ownEnv(t, good))
	}
}

// BenchmarkReconcileOfAThousandProfiles measures the boot of contract B14. 600 ports are derived; the others must be explicit.
func BenchmarkReconcileOfAThousandProfiles(b *testing.B) {
	root := b.TempDir()
	for i := range 1000 {
		dir := filepath.Join(root, "profiles", fmt.Sprintf("p%03d", i))
		text := "API_SERVER_KEY=k\n"
		if i >= 500 {
			text += fmt.Sprintf("API_SERVER_PORT=%d\n", 10000+i)
		}
		for name, content := range map[string]string{"SOUL.md": "x", ".env": text, "config.yaml": "model:\n  provider: echo\n"} {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	begun := time.Now()
	if _, err := Reconcile(profile.NewStore(root), &slots{}, none, false); err != nil {
		b.Fatal(err)
	}
	first := time.Since(begun)
	for b.Loop() {
		if _, err := Reconcile(profile.NewStore(root), &slots{}, none, false); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(first.Milliseconds()), "ms/first-boot")
}
