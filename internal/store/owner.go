package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"hermes/internal/volume"
)

// applicationID marks a database as ours: the letters hrms. SQLite keeps it in the bytes 68 to 71 of the file ("Application
// ID" in https://www.sqlite.org/fileformat2.html). A file without it is not written, whatever its name is.
const applicationID = 0x68726d73

// ErrForeign reports a database that another program made.
var ErrForeign = errors.New("it is another program's database")

// owner says who made a database.
type owner int

const (
	// nobody: there is no file, or nothing in it.
	nobody owner = iota
	// ours has our mark.
	ours
	// earlier is ours from before there was a mark.
	earlier
	// foreign is another program's.
	foreign
	// unreadable is no database.
	unreadable
)

// The places in a database's header that are read here (https://www.sqlite.org/fileformat2.html, "The Database Header").
const (
	headerSize    = 100
	applicationAt = 68
)

var magic = []byte("SQLite format 3\x00")

// ownerOf tells whose a database is. It changes nothing: no journal is rolled back, and no file is made beside it but, in a
// database whose first life was killed before anything reached the file itself, the index of its log. What is no regular
// file is volume.ErrNotRegular. A process that has the database open asks ownerOfOpened.
func ownerOf(ctx context.Context, path string) (owner, error) {
	header, err := readHeader(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nobody, nil
	case err != nil:
		return unreadable, err
	case len(header) == 0:
		return nobody, nil
	case len(header) < headerSize || !bytes.HasPrefix(header, magic):
		return unreadable, nil
	}
	switch binary.BigEndian.Uint32(header[applicationAt:]) {
	case applicationID:
		return ours, nil
	case 0:
	default:
		return foreign, nil
	}
	return ownerOfOpened(ctx, path)
}

// ownerOfOpened is ownerOf for a file that this process may have open as a database already. It leaves the opening to SQLite: a
// process that closes any descriptor of a file loses all its locks on it (https://www.sqlite.org/howtocorrupt.html, section 2.2).
func ownerOfOpened(ctx context.Context, path string) (owner, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nobody, nil
	case err != nil:
		return unreadable, err
	case !info.Mode().IsRegular():
		return unreadable, fmt.Errorf("%s is %s: %w", filepath.Base(path), volume.Kind(info.Mode()), volume.ErrNotRegular)
	}
	// The file alone tells, without what is still in its log: ours were made by one transaction.
	who, err := inspect(ctx, path, "immutable")
	if err == nil && who == nobody && hasContent(path+"-wal") {
		who, err = inspect(ctx, path, "ro")
	}
	return who, err
}

func readHeader(path string) ([]byte, error) {
	dir, name := volume.Split(path)
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, headerSize))
}

func hasContent(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Size() > 0
}

// inspect looks at the tables.
func inspect(ctx context.Context, path, how string) (owner, error) {
	db, err := sql.Open("sqlite", readOnly(path, how))
	if err != nil {
		return unreadable, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	who, err := whose(ctx, db)
	var se *sqlite.Error
	if errors.As(err, &se) && se.Code()&0xff == sqlite3.SQLITE_NOTADB {
		return unreadable, nil
	}
	return who, err
}

// whose tells by its tables who made an open database.
func whose(ctx context.Context, db *sql.DB) (owner, error) {
	var id, version int64
	err := db.QueryRowContext(ctx, "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version").Scan(&id, &version)
	switch {
	case err != nil:
		return unreadable, err
	case id == applicationID:
		return ours, nil
	case id != 0:
		return foreign, nil
	}
	// The versions before the mark made these, and no other.
	known := []string{"goose_db_version", "messages", "sessions", "sqlite_sequence"}
	rows, err := db.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' LIMIT 10")
	if err != nil {
		return unreadable, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return unreadable, err
		}
		if !slices.Contains(known, name) {
			return foreign, nil
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return unreadable, err
	}
	rows.Close()
	has := func(name string) bool { return slices.Contains(names, name) }
	switch {
	case !has("sessions") && !has("messages") && version != 0:
		return foreign, nil
	case !has("sessions") && !has("messages"):
		return nobody, nil // a start that was killed made no more
	case !has("sessions") || !has("messages") || !has("goose_db_version"):
		return foreign, nil
	}
	var columns int
	err = db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM pragma_table_info('sessions') WHERE name IN ('id', 'created', 'updated')) +
		(SELECT count(*) FROM pragma_table_info('messages') WHERE name IN ('id', 'session', 'role', 'content', 'interrupted', 'created'))`).Scan(&columns)
	if err != nil {
		return unreadable, err
	}
	if columns != 9 {
		return foreign, nil
	}
	return earlier, nil
}

// readOnly is the URI of a database that is only read: "ro" as everybody does, "immutable" without locks, log and journal
// (https://www.sqlite.org/uri.html).
func readOnly(path, how string) string {
	q := url.Values{"_pragma": {"busy_timeout(2000)", "cache_size(-512)"}, "mode": {"ro"}}
	if how == "immutable" {
		q.Set("immutable", "1")
	}
	return uri(path, q)
}

// leavesNoTrace chooses how to read a database of another program. Who opens one that has no log, though its mode is WAL,
// makes a log.
func leavesNoTrace(path string) (how string, err error) {
	header, err := readHeader(path)
	if err != nil {
		return "", err
	}
	const writeVersionAt, wal = 18, 2
	if len(header) == headerSize && header[writeVersionAt] == wal && !hasContent(path+"-wal") {
		return "immutable", nil
	}
	return "ro", nil
}

// begin makes a new database ours, in one transaction. It can become smaller again: this has to be said before there is anything in it,
// and not at each opening, because it writes each time (https://www.sqlite.org/pragma.html#pragma_auto_vacuum).
func begin(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, fmt.Sprintf("BEGIN; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = %d; COMMIT", applicationID))
	return err
}

// mark makes a database ours.
func mark(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	return err
}

// Adopted says what Adopt found.
type Adopted int

// What Adopt may find.
const (
	// Nothing was to be done.
	Nothing Adopted = iota
	// Moved is a database of ours that has its new name now.
	Moved
	// LeftAlone is a file that is not ours. There is no database of ours yet.
	LeftAlone
)

// Adopt gives a profile's database, which earlier versions called former, the name of path, once: where there is nothing at
// path, and at former a database of ours. A file of another program stays as it is. Whoever calls it must keep others
// from starting the profile's gateway. It may be killed at any moment: the next call finds the whole database under
// one of the two names.
//
// Errors name the file; one that cannot be moved because it is a mount is volume.ErrMount.
func Adopt(ctx context.Context, former, path string) (Adopted, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return Nothing, nil // what is wrong with it is Open's to tell
	}
	who, err := ownerOf(ctx, former)
	switch {
	case errors.Is(err, volume.ErrNotRegular):
		return LeftAlone, nil
	case err != nil:
		return Nothing, fmt.Errorf("cannot tell whose database %s is: %w", former, reason(err))
	case who == nobody:
		return Nothing, nil
	case who == foreign, who == unreadable:
		return LeftAlone, nil
	}
	if err := move(ctx, former, path); err != nil {
		return Nothing, fmt.Errorf("cannot move the profile's database %s to %s: %w", former, filepath.Base(path), err)
	}
	return Moved, nil
}

func move(ctx context.Context, former, path string) error {
	if err := claim(former); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dsn(former))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := oneFile(ctx, db); err != nil {
		return err
	}
	if err := mark(ctx, db); err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	dir, from := volume.Split(former)
	return dir.Rename(from, filepath.Base(path))
}

// readersEnd is how long Adopt waits for those who read: a page of the dashboard takes less than a second.
const readersEnd = 5 * time.Second

// oneFile takes what is in the log into the file. SQLite refuses while somebody else has the database open, and does not
// wait.
func oneFile(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, readersEnd)
	defer cancel()
	for {
		var mode string
		err := db.QueryRowContext(ctx, "PRAGMA journal_mode=DELETE").Scan(&mode)
		if err == nil && mode == "delete" {
			return nil
		}
		var se *sqlite.Error
		if err != nil && (!errors.As(err, &se) || se.Code()&0xff != sqlite3.SQLITE_BUSY) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New("another process has it open: end that one")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Find returns where a profile's database is: at path, or at former as long as no gateway has moved it.
func Find(ctx context.Context, path, former string) string {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return path
	}
	if who, err := ownerOfOpened(ctx, former); err == nil && (who == ours || who == earlier) {
		return former
	}
	return path
}

// Foreign reports whether a file is another program's database.
func Foreign(ctx context.Context, path string) bool {
	who, err := ownerOfOpened(ctx, path)
	return err == nil && who == foreign
}
