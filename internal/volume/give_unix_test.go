//go:build unix

package volume

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestWhatRootWritesBelongsToTheDirectorysOwner is true for every user, but tests something only if it runs as root.
func TestWhatRootWritesBelongsToTheDirectorysOwner(t *testing.T) {
	dir := t.TempDir()
	owner := os.Geteuid()
	if owner == 0 {
		owner = 12345
		if err := os.Chown(dir, owner, owner); err != nil {
			t.Fatal(err)
		}
	}
	file, locked := filepath.Join(dir, "state"), filepath.Join(dir, "lock")
	if err := writeFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	lock, err := lockNow(locked)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Unlock() }()
	for _, path := range []string{file, locked} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != owner {
			t.Errorf("%s belongs to %d, want %d", path, st.Uid, owner)
		}
	}
}

func TestALockThatIsAnotherNameOfAFileGivesNothingAway(t *testing.T) {
	dir := t.TempDir()
	mine, path := filepath.Join(t.TempDir(), "mine"), filepath.Join(dir, "lock")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(mine, path); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, 12345, 12345); err != nil {
			t.Fatal(err)
		}
	}
	lock, err := lockNow(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Unlock() }()
	info, err := os.Stat(mine)
	if err != nil {
		t.Fatal(err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() {
		t.Errorf("it belongs to %d now", st.Uid)
	}
}
