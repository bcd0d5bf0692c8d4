package profile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// asNobody calls f as a user who may not read everything, also where the tests run as root: what a thread may do to files
// depends on its fsuid (credentials(7)).
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		const nobody = 65534
		if _, err := unix.SetfsuidRetUid(nobody); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-ended
}

// TestAStateThatCannotBeReadIsNotMovedAside: the operator's intent is in it.
func TestAStateThatCannotBeReadIsNotMovedAside(t *testing.T) {
	h := NewStore(t.TempDir()).Home(Default()) // held open: nobody may not walk to it
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

// TestAnExportLeavesOutWhatCannotBeReadButNothingEssential: a lost+found, a file of root's, a directory without the right to enter.
func TestAnExportLeavesOutWhatCannotBeReadButNothingEssential(t *testing.T) {
	s := NewStore(t.TempDir())
	h := mustCreate(t, s, "coder", nil).Home
	for rel, mode := range map[string]fs.FileMode{"skills/a": 0o644, "skills/rooted": 0, "locked/x": 0o644, "listed/x": 0o644, "skills/b": 0o644, "lost+found/x": 0o644} {
		put(t, filepath.Join(h.Dir, rel), rel)
		if err := os.Chmod(filepath.Join(h.Dir, rel), mode); err != nil {
			t.Fatal(err)
		}
	}
	for dir, mode := range map[string]fs.FileMode{"..": 0o755, ".": 0o755, "skills": 0o755, ".env": 0o644, SoulName: 0o644, "locked": 0, "listed": 0o744, "lost+found": 0} {
		at := filepath.Join(h.Dir, dir)
		if err := os.Chmod(at, mode); err != nil {
			t.Fatal(err)
		}
		if mode == 0 || dir == "listed" {
			t.Cleanup(func() { _ = os.Chmod(at, 0o755) }) // for TempDir
		}
	}
	export := func() (archive bytes.Buffer, e Exported, err error) {
		asNobody(t, func() { e, err = Export(t.Context(), h, &archive, exportOptions(true)) })
		return archive, e, err
	}
	archive, e, err := export()
	if err != nil {
		t.Fatal(err)
	}
	const denied = "it cannot be read: permission denied"
	if want := []LeftOut{{"listed", denied}, {"locked", denied}, {"lost+found", whyLocal}, {"skills/rooted", denied}}; !slices.Equal(e.LeftOut, want) {
		t.Errorf("got  %q\nwant %q", e.LeftOut, want)
	}
	m, err := importBytes(t, NewStore(t.TempDir()), archive.Bytes(), "")
	if err != nil {
		t.Fatal(err)
	}
	if got := files(t, m.Home.Dir); !slices.Equal(got, []string{".env", "SOUL.md", "skills/a", "skills/b"}) {
		t.Errorf("%q", got)
	}

	if err := os.Chmod(h.Soul(), 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := export(); err == nil || !strings.Contains(err.Error(), "cannot export profile 'coder': SOUL.md: "+denied) {
		t.Errorf("without its SOUL.md: %v", err)
	}
}
