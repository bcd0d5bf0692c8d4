package volume

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// withoutRootsRights makes the rest of a test that runs as root use files with the rights of a user who owns none of them
// (setfsuid(2)), because root may read everything.
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
