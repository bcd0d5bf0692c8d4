package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hermes/internal/volume"
)

// otherTables are the tables of hermes-agent, which keeps its state.db in the same directory.
const otherTables = `CREATE TABLE schema_version (version INTEGER NOT NULL); INSERT INTO schema_version VALUES (30);
	CREATE TABLE sessions (id TEXT PRIMARY KEY, source TEXT NOT NULL, started_at REAL NOT NULL, title TEXT);
	CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, role TEXT NOT NULL, content TEXT, timestamp REAL NOT NULL);
	INSERT INTO messages (session_id, role, content, timestamp) VALUES ('s', 'user', 'which tea?', 1);`

// made runs statements on a database with a journal mode. It leaves the files as a process does that ends, or that is killed.
func made(t *testing.T, path, journal, statements string, killed bool) {
	t.Helper()
	work := filepath.Join(t.TempDir(), "made.db")
	db, err := sql.Open("sqlite", uri(work, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("PRAGMA journal_mode=" + journal + "; " + statements); err != nil {
		t.Fatal(err)
	}
	if !killed {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		data, err := os.ReadFile(work + suffix)
		if err == nil {
			err = os.WriteFile(path+suffix, data, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// snapshot returns everything in a directory, with times and content. It leaves out the indexes of logs, which hold no data.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "-shm") {
			continue
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		data, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		all += fmt.Sprintf("%s %s %s %x\n", e.Name(), info.Mode(), info.ModTime().Format(time.RFC3339Nano), data)
	}
	return all
}

// former makes a database as the versions without a mark left it, with one message in session a.
func former(t *testing.T, path string) {
	t.Helper()
	ofSchema1(t, path)
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("PRAGMA application_id = 0; PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
}

// firstLife makes a database as the first process of a version with schema 1 did, while that still has it open: all data is in the
// log.
func firstLife(t *testing.T, path string) *sql.DB {
	t.Helper()
	from := filepath.Join(t.TempDir(), "from.db")
	ofSchema1(t, from)
	if err := claim(path); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	if err := mark(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if _, err := chooseJournal(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("ATTACH ? AS was", from); err != nil {
		t.Fatal(err)
	}
	statements, err := texts(t.Context(), db, "SELECT sql FROM was.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'")
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range append(statements, "INSERT INTO goose_db_version SELECT * FROM was.goose_db_version",
		"INSERT INTO sessions SELECT * FROM was.sessions", "INSERT INTO messages SELECT * FROM was.messages", "PRAGMA user_version = 1") {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	return db
}

func remembers(t *testing.T, path string) {
	t.Helper()
	s := mustOpen(t, path)
	defer s.Close()
	if got, err := s.History(t.Context(), "a", 1<<20); err != nil || len(got) != 1 || got[0].Content != "kept" {
		t.Errorf("%s: %+v %v", path, got, err)
	}
}

// TestAnotherProgramsDatabaseIsNeverWritten: neither under our former name nor under the present one.
func TestAnotherProgramsDatabaseIsNeverWritten(t *testing.T) {
	for name, put := range map[string]func(path string){
		"closed":                  func(p string) { made(t, p, "DELETE", otherTables, false) },
		"closed, in WAL mode":     func(p string) { made(t, p, "WAL", otherTables, false) },
		"killed, in WAL mode":     func(p string) { made(t, p, "WAL", otherTables, true) },
		"touched by an older one": func(p string) { made(t, p, "WAL", otherTables+"CREATE TABLE goose_db_version (id INTEGER)", false) },
		"of yet another program":  func(p string) { made(t, p, "DELETE", "PRAGMA application_id = 7; CREATE TABLE x (y)", false) },
		"same names, other tables": func(p string) {
			made(t, p, "DELETE", "CREATE TABLE sessions (a); CREATE TABLE messages (b); CREATE TABLE goose_db_version (c)", false)
		},
		"empty, but numbered": func(p string) { made(t, p, "DELETE", "PRAGMA user_version = 3", false) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			old, path := filepath.Join(dir, "state.db"), filepath.Join(dir, "hermes.db")
			put(old)
			before := snapshot(t, dir)
			if got, err := Adopt(t.Context(), old, path); got != LeftAlone || err != nil {
				t.Error(got, err)
			}
			if got := Find(t.Context(), path, old); got != path {
				t.Error(got)
			}
			if err := Backup(t.Context(), old, filepath.Join(t.TempDir(), "copy")); err != nil {
				t.Error(err)
			}
			if after := snapshot(t, dir); after != before {
				t.Errorf("before\n%s\nafter\n%s", before, after)
			}

			dir = t.TempDir()
			path = filepath.Join(dir, "hermes.db")
			put(path)
			before = snapshot(t, dir)
			s, err := Open(t.Context(), path)
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), path) {
				t.Error(err)
			}
			if after := snapshot(t, dir); after != before {
				t.Errorf("before\n%s\nafter\n%s", before, after)
			}
		})
	}
}

// TestTheDatabaseGetsItsNameOnce, also after the first process was killed, and after the rename was killed at any step.
func TestTheDatabaseGetsItsNameOnce(t *testing.T) {
	for name, change := range map[string]func(dir, old string){
		"as it was left": nil,
		"killed, with everything in the log": func(dir, old string) {
			db := firstLife(t, filepath.Join(dir, "work"))
			defer db.Close()
			if _, err := db.Exec("PRAGMA application_id = 0"); err != nil {
				t.Fatal(err)
			}
			for _, suffix := range []string{"", "-wal", "-shm"} {
				data, err := os.ReadFile(filepath.Join(dir, "work") + suffix)
				if err != nil {
					t.Fatal(err)
				}
				if suffix == "" { // the file itself has only a header without a mark
					data = data[:4096]
					copy(data[applicationAt:], []byte{0, 0, 0, 0})
				}
				if err := os.WriteFile(old+suffix, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		},
		"killed after the log was taken in": func(_, old string) {
			db, err := sql.Open("sqlite", dsn(old))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := oneFile(t.Context(), db); err != nil {
				t.Fatal(err)
			}
		},
		"killed after the mark": func(_, old string) {
			db, err := sql.Open("sqlite", dsn(old))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := errors.Join(oneFile(t.Context(), db), mark(t.Context(), db)); err != nil {
				t.Fatal(err)
			}
		},
		"killed before it was numbered": func(_, old string) {
			db, err := sql.Open("sqlite", dsn(old))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec("PRAGMA user_version = 0"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			old, path := filepath.Join(dir, "state.db"), filepath.Join(dir, "hermes.db")
			former(t, old)
			if change != nil {
				change(t.TempDir(), old)
			}
			if got := Find(t.Context(), path, old); got != old {
				t.Errorf("before the move it is at %s", got)
			}
			if got, err := Adopt(t.Context(), old, path); got != Moved || err != nil {
				t.Fatal(got, err)
			}
			if names, _ := filepath.Glob(old + "*"); names != nil {
				t.Errorf("%q stay behind", names)
			}
			if got := Find(t.Context(), path, old); got != path {
				t.Errorf("after the move it is at %s", got)
			}
			remembers(t, path)
			// A file that appears later under the former name, such as from a backup, must not replace the database in use.
			former(t, old)
			if got, err := Adopt(t.Context(), old, path); got != Nothing || err != nil {
				t.Error(got, err)
			}
			remembers(t, path)
		})
	}
}

func TestAMoveWaitsForReaders(t *testing.T) {
	dir := t.TempDir()
	old, path := filepath.Join(dir, "state.db"), filepath.Join(dir, "hermes.db")
	former(t, old)
	r, err := OpenReader(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Sessions(t.Context(), "", 0, 10); err != nil {
		t.Fatal(err)
	}
	moved := make(chan error)
	go func() {
		_, err := Adopt(t.Context(), old, path)
		moved <- err
	}()
	// The test cannot see whether Adopt waits already. It must succeed either way.
	if _, _, err := r.Sessions(t.Context(), "", 0, 10); err != nil {
		t.Error(err)
	}
	r.Close()
	if err := <-moved; err != nil {
		t.Fatal(err)
	}
	remembers(t, path)
}

func TestWhatIsNoDatabaseIsLeftAlone(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"junk":      func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("junk ", 500)), 0o600) },
		"short":     func(p string) error { return os.WriteFile(p, magic, 0o600) },
		"directory": func(p string) error { return os.Mkdir(p, 0o700) },
		"link":      func(p string) error { return os.Symlink("/etc/hostname", p) },
	} {
		dir := t.TempDir()
		old, path := filepath.Join(dir, "state.db"), filepath.Join(dir, "hermes.db")
		if err := put(old); err != nil {
			t.Fatal(err)
		}
		if got, err := Adopt(t.Context(), old, path); got != LeftAlone || err != nil {
			t.Errorf("%s: %v %v", name, got, err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
		mustOpen(t, path).Close()
	}
	dir := t.TempDir()
	for _, empty := range []string{"", "x"} {
		old := filepath.Join(dir, "state.db"+empty)
		if empty == "x" {
			if err := os.WriteFile(old, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := Adopt(t.Context(), old, filepath.Join(dir, "hermes.db")); got != Nothing || err != nil {
			t.Error(got, err)
		}
	}
}

// TestTheMarkIsInTheFileBeforeAnythingElse: if the first process is killed, the file says already that it is ours.
func TestTheMarkIsInTheFileBeforeAnythingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hermes.db")
	s := mustOpen(t, path)
	if who, err := ownerOf(t.Context(), path); who != ours || err != nil {
		t.Error(who, err)
	}
	header, err := readHeader(path)
	if err != nil || string(header[applicationAt:applicationAt+4]) != "hrms" {
		t.Errorf("%q %v", header, err)
	}
	s.Close()
	if _, err := ownerOf(t.Context(), t.TempDir()); !errors.Is(err, volume.ErrNotRegular) {
		t.Error(err)
	}
}

func FuzzOwner(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "seed.db")
	db, err := sql.Open("sqlite", uri(path, nil))
	if err != nil {
		f.Fatal(err)
	}
	if _, err := db.Exec(otherTables); err != nil {
		f.Fatal(err)
	}
	db.Close()
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:4096])
	f.Add(magic)
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "x.db")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		before := snapshot(t, filepath.Dir(path))
		_, _ = ownerOf(t.Context(), path) // it may succeed or fail
		if after := snapshot(t, filepath.Dir(path)); after != before {
			t.Errorf("before\n%s\nafter\n%s", before, after)
		}
	})
}
