package cli_test

import (
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

// TestADetachedSupervisorThatCannotStartLeavesNoDescriptor open in the command that wanted it.
func TestADetachedSupervisorThatCannotStartLeavesNoDescriptor(t *testing.T) {
	newHome(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the collector closes what nobody holds
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	run := func() {
		// One argument may have 128 kB (execve(2)).
		code, said := hermes(t, strings.NewReader(""), nil, "up", "-d", "--only", strings.Repeat("x", 1<<20))
		if code != 1 || !strings.Contains(said, "cannot detach") {
			t.Fatalf("code %d: %.200s", code, said)
		}
	}
	run() // what is opened once, such as the poller
	before := open()
	run()
	if after := open(); after != before {
		t.Errorf("%d descriptors are open, want %d", after, before)
	}
}
