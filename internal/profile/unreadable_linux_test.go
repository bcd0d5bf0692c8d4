package profile

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// asNobody calls f as a user who may not read everything, even if the tests run as root. It changes the fsuid of the thread, which
// decides what the thread may do to files (credentials(7)).
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // never unlocked, so that the thread ends with the goroutine
		const nobody = 65534
		if _, err := unix.SetfsuidRetUid(nobody); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-ended
}

// TestAStateThatCannotBeReadIsNotMovedAside, because the operator's intent is in it.
func TestAStateThatCannotBeReadIsNotMovedAside(t *testing.T) {
	h := NewStore(t.TempDir()).Home(Default()) // the store opens the directory now, because nobody cannot walk to it later
	if err := SetDesired(t.Context(), h, DesiredStopped); err != nil {
		t.Fatal(err)
	}
	before := slurp(t, h.StateFile())
	if err := errors.Join(os.Chmod(h.StateFile(), 0), os.Chmod(h.Dir, 0o777), os.Chmod(h.Files().Path(stateLockName), 0o666)); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		err := SetDesired(t.Context(), h, DesiredRunning)
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), h.StateFile()) {
			t.Errorf("got %v", err)
		}
	})
	if err := os.Chmod(h.StateFile(), 0o600); err != nil {
		t.Fatal(err)
	}
	if after := slurp(t, h.StateFile()); after != before {
		t.Errorf("it was %q and is %q", before, after)
	}
	if _, err := os.Lstat(h.StateFile() + ".corrupt"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("it was moved aside", err)
	}
}
