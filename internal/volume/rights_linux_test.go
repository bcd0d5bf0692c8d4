package volume

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// withoutRootsRights has the rest of a test reach files as somebody who owns none of them (setfsuid(2)), if it is root's: root may
// read everything.
func withoutRootsRights(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	runtime.LockOSThread()
	if _, err := unix.SetfsuidRetUid(65534); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := unix.SetfsuidRetUid(0); err != nil {
			t.Fatal(err) // the thread stays locked, and ends with the test
		}
		runtime.UnlockOSThread()
	})
}
