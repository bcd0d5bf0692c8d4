//go:build unix

package boot

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hermes/internal/profile"
	"hermes/internal/service"
)

// reconcileElsewhere runs Reconcile in another process, which is killed when it comes to the profile evil.
func reconcileElsewhere(t *testing.T, root, evil string) (outcomes map[string]string, killed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestReconcilesAndDies$", "-test.v")
	cmd.Env = append(os.Environ(), "HERMES_TEST_RECONCILE="+root, "HERMES_TEST_EVIL="+evil)
	out, err := cmd.CombinedOutput()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if err != nil && !status.Signaled() {
		t.Fatalf("%v\n%s", err, out)
	}
	outcomes = map[string]string{}
	for line := range strings.Lines(string(out)) {
		if rest, ok := strings.CutPrefix(line, "outcome "); ok {
			name, what, _ := strings.Cut(strings.TrimSpace(rest), " ")
			outcomes[name] = what
		}
	}
	return outcomes, status.Signaled()
}

// TestReconcilesAndDies is that other process.
func TestReconcilesAndDies(t *testing.T) {
	root := os.Getenv("HERMES_TEST_RECONCILE")
	if root == "" {
		return
	}
	die := &slots{refuse: func(s service.Spec) error {
		if n, ok := s.ID.Profile(); ok && n.String() == os.Getenv("HERMES_TEST_EVIL") {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}}
	outcomes, err := Reconcile(profile.NewStore(root), die, none, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		fmt.Printf("outcome %s %s %s\n", o.Profile, o.Action, o.Reason)
	}
}

// TestAProfileThatKillsTheBootIsLeftOutAndNamed: at the third try at the latest all other profiles have their slots, and in later
// boots at the first try.
func TestAProfileThatKillsTheBootIsLeftOutAndNamed(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"default", "a", "evil", "z"} {
		add(t, root, name, `{"desired_state":"running"}`)
	}
	for try := 1; ; try++ {
		outcomes, killed := reconcileElsewhere(t, root, "evil")
		if killed {
			if try == 3 {
				t.Fatal("the third try is killed too")
			}
			continue
		}
		if try != 3 {
			t.Errorf("it came through at the %d. try: the profile killed nobody", try)
		}
		if !strings.HasPrefix(outcomes["evil"], "skipped a boot was killed while it worked on this profile") || !strings.Contains(outcomes["evil"], skippedName) {
			t.Errorf("evil: %q", outcomes["evil"])
		}
		if left := LeftBehind(profile.NewStore(root)); len(left.Out) != 1 || left.Out[0].Profile != "evil" || left.Out[0].Reason == "" || !left.Working.IsZero() {
			t.Errorf("left behind: %+v", left)
		}
		for _, name := range []string{"default", "a", "z"} {
			if !strings.HasPrefix(outcomes[name], "started") {
				t.Errorf("%s: %q", name, outcomes[name])
			}
		}
		break
	}
	if outcomes, killed := reconcileElsewhere(t, root, "evil"); killed || !strings.HasPrefix(outcomes["evil"], "skipped") {
		t.Errorf("the next boot: killed %t, %v", killed, outcomes)
	}
	// When the profile's files change, it is tried again.
	if err := os.WriteFile(filepath.Join(root, "profiles", "evil", "config.yaml"), []byte("model: {name: m}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if outcomes, killed := reconcileElsewhere(t, root, ""); killed || !strings.HasPrefix(outcomes["evil"], "started") {
		t.Errorf("after the change: killed %t, %v", killed, outcomes)
	}
	if _, err := os.Lstat(filepath.Join(root, skippedName)); err == nil {
		t.Error("the list of those left out stays")
	}
}

// TestABootThatWasCutOffLeavesNobodyOut: a container that is killed once during its boot does not cost any profile its place.
func TestABootThatWasCutOffLeavesNobodyOut(t *testing.T) {
	root := t.TempDir()
	add(t, root, "a", `{"desired_state":"running"}`)
	if _, killed := reconcileElsewhere(t, root, "a"); !killed {
		t.Fatal("not cut off")
	}
	if outcomes, killed := reconcileElsewhere(t, root, ""); killed || !strings.HasPrefix(outcomes["a"], "started") {
		t.Errorf("killed %t, %v", killed, outcomes)
	}
	if _, err := os.Lstat(filepath.Join(root, markName)); err == nil {
		t.Error("the mark stays")
	}
}
