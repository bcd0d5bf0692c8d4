package cli_test

import (
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

// TestADetachedSupervisorThatCannotStartLeavesNoDescriptor counts the open descriptors before and after an `up -d` that fails.
func TestADetachedSupervisorThatCannotStartLeavesNoDescriptor(t *testing.T) {
	newHome(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the garbage collector closes files that nobody refers to, which would hide a leak
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	run := func() {
		// An argument may have 128 kB at most (execve(2)), so the supervisor cannot be started.
		code, said := hermes(t, strings.NewReader(""), nil, "up", "-d", "--only", strings.Repeat("x", 1<<20))
		if code != 1 || !strings.Contains(said, "cannot detach") {
			t.Fatalf("code %d: %.200s", code, said)
		}
	}
	run() // the first run opens what stays open, such as the poller
	before := open()
	run()
	if after := open(); after != before {
		t.Errorf("%d descriptors are open, want %d", after, before)
	}
}
