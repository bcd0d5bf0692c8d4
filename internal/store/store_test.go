package store

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"hermes/internal/volume"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mustOpen(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestMessagesSurviveReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd ?#%25 name", "hermes.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, path)
	if err := s.Append(t.Context(), "a", Message{Role: "user", Content: "hi"}, Message{Role: "assistant", Content: "yo", Interrupted: true}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	got, err := mustOpen(t, path).History(t.Context(), "a", 1<<20)
	if err != nil || len(got) != 2 || got[0].Content != "hi" || !got[1].Interrupted || got[1].Created.IsZero() {
		t.Fatalf("%+v %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("database is readable by others: %v %v", info.Mode(), err)
	}
}

func TestHistoryKeepsTheNewestWithinItsLimit(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "hermes.db"))
	for i := range 10 {
		if err := s.Append(t.Context(), "a", Message{Role: "user", Content: fmt.Sprintf("%03d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.History(t.Context(), "a", 9)
	if err != nil || len(got) != 3 || got[0].Content != "007" || got[2].Content != "009" {
		t.Fatalf("%+v %v", got, err)
	}
}

func TestSessionsDoNotMix(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "hermes.db"))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			id := fmt.Sprint(i)
			for range 20 {
				if err := s.Append(t.Context(), id, Message{Role: "user", Content: id}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range 8 {
		id := fmt.Sprint(i)
		got, err := s.History(t.Context(), id, 1<<20)
		if err != nil || len(got) != 20 {
			t.Fatalf("session %s: %d %v", id, len(got), err)
		}
		for _, m := range got {
			if m.Content != id {
				t.Fatalf("session %s holds %q", id, m.Content)
			}
		}
	}
}

func TestAppendIsAllOrNothing(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "hermes.db"))
	if err := s.Append(t.Context(), "a", Message{Role: "user", Content: "x"}, Message{Role: "nobody", Content: "y"}); err == nil {
		t.Fatal("want an error")
	}
	if got, err := s.History(t.Context(), "a", 1<<20); err != nil || len(got) != 0 {
		t.Fatalf("%+v %v", got, err)
	}
}

func TestMigrationInterruptedBeforeItsGuardIsFinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hermes.db")
	s := mustOpen(t, path)
	s.Append(t.Context(), "a", Message{Role: "user", Content: "kept"})
	s.db.Exec("PRAGMA user_version = 0")
	s.Close()
	s = mustOpen(t, path)
	var v int
	s.db.QueryRow("PRAGMA user_version").Scan(&v)
	got, err := s.History(t.Context(), "a", 1<<20)
	if err != nil || len(got) != 1 || v != schema {
		t.Fatalf("%+v %v %d", got, err, v)
	}
}

func TestSchemaNumberIsTheNewestMigration(t *testing.T) {
	files, err := migrations.ReadDir("migrations")
	if err != nil || len(files) != schema || !strings.HasPrefix(files[schema-1].Name(), fmt.Sprintf("%05d_", schema)) {
		t.Fatalf("%v %v", files, err)
	}
}

func TestOpenRefusesWhatIsNotItsFile(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"not a database": func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("junk ", 500)), 0o600) },
		"symbolic link":  func(p string) error { return os.Symlink("/etc/hostname", p) },
		"a directory":    func(p string) error { return os.Mkdir(p, 0o700) },
		"newer hermes": func(p string) error {
			db, err := sql.Open("sqlite", dsn(p))
			if err != nil {
				return err
			}
			defer db.Close()
			_, err = db.Exec(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = 999", applicationID))
			return err
		},
	} {
		path := filepath.Join(t.TempDir(), "hermes.db")
		if err := put(path); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), path)
		if err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
		} else if !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenRefusesALinkedSideFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hermes.db")
	mustOpen(t, path).Close()
	os.Remove(path + "-wal")
	if err := os.Symlink("/tmp/elsewhere", path+"-wal"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); !errors.Is(err, volume.ErrNotRegular) {
		t.Fatal(err)
	}
}

func TestFallsBackToARollbackJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hermes.db")
	// SQLite's VFS without locks has no shared memory, like some network mounts.
	if err := claim(path); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dsn(path)+"&vfs=unix-none")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	mode, err := chooseJournal(t.Context(), db)
	if err != nil || mode == "wal" {
		t.Fatalf("%q %v", mode, err)
	}
	if err := migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
}

func TestSessionIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, "user:42/chat.7": true, strings.Repeat("x", 128): true,
		"": false, strings.Repeat("x", 129): false, "a b": false, "a\n": false, "é": false, "\x7f": false,
	} {
		if ValidSessionID(id) != want {
			t.Errorf("%q: want %v", id, want)
		}
	}
}
