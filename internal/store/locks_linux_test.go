package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// locksOn returns the locks that this process holds on a file, from /proc/locks (proc_locks(5)).
func locksOn(t *testing.T, path string) []string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Fatal(err)
	}
	var mine []string
	for line := range strings.Lines(string(all)) {
		// 1: POSIX  ADVISORY  READ 815 fe:00:1049 1073741826 1073742335
		f := strings.Fields(line)
		if len(f) == 8 && f[4] == fmt.Sprint(os.Getpid()) && strings.HasSuffix(f[5], fmt.Sprintf(":%d", info.Sys().(*syscall.Stat_t).Ino)) {
			mine = append(mine, strings.Join(f[1:4], " "))
		}
	}
	return mine
}

// TestWhoLooksAtADatabaseKeepsItsLocks: the dashboard reads a database several times at once, and a gateway that writes must see the
// locks of all readers.
func TestWhoLooksAtADatabaseKeepsItsLocks(t *testing.T) {
	dir := t.TempDir()
	path, former := filepath.Join(dir, "hermes.db"), filepath.Join(dir, "state.db")
	mustOpen(t, path).Close()
	if err := os.Link(path, former); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, _, err := r.Sessions(t.Context(), "", 0, 1); err != nil {
		t.Fatal(err)
	}
	if len(locksOn(t, path)) == 0 {
		t.Fatal("a reader has no lock")
	}
	for name, look := range map[string]func() error{
		"another reader": func() error {
			other, err := OpenReader(t.Context(), path)
			if err == nil {
				err = other.Close()
			}
			return err
		},
		"an editor": func() error {
			other, err := OpenEditor(t.Context(), path)
			if err == nil {
				err = other.Close()
			}
			return err
		},
		"who asks for the place": func() error { Find(t.Context(), filepath.Join(dir, "gone"), former); return nil },
		"who asks whose it is":   func() error { Foreign(t.Context(), path); return nil },
		"a check":                func() error { return Check(t.Context(), path) },
	} {
		if err := look(); err != nil {
			t.Error(name, err)
		}
		if len(locksOn(t, path)) == 0 {
			t.Errorf("%s took the reader's locks away", name)
		}
	}
}

// TestOpeningADatabaseWritesNothing: opening a database does not wait for a transaction that writes, however long that takes.
func TestOpeningADatabaseWritesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hermes.db")
	s := mustOpen(t, path)
	tx, err := s.db.BeginTx(t.Context(), nil) // takes the write lock
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	e, err := OpenEditor(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	if err := Backup(t.Context(), path, path+".copy"); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
