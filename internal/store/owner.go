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

// applicationID marks a database as ours: the letters hrms. SQLite keeps it in the bytes 68 to 71 of the file ("Application ID" in
// https://www.sqlite.org/fileformat2.html). A file without the mark is not written to, whatever its name is.
const applicationID = 0x68726d73

// ErrForeign reports that another program made the database.
var ErrForeign = errors.New("it is another program's database")

// owner says which program made a database.
type owner int

const (
	// nobody: there is no file, or it is empty.
	nobody owner = iota
	// ours: the database has our mark.
	ours
	// earlier: we made the database before there was a mark.
	earlier
	// foreign: another program made the database.
	foreign
	// unreadable: the file is not a database.
	unreadable
)

// The offsets in a database's header that are read here (https://www.sqlite.org/fileformat2.html, "The Database Header").
const (
	headerSize    = 100
	applicationAt = 68
)

var magic = []byte("SQLite format 3\x00")

// ownerOf says which program made a database. It changes nothing: it rolls back no journal and makes no file beside the database,
// with one exception: if the first process to use the database was killed before anything reached the file itself, SQLite makes the
// index of its log. If the path is not a regular file, the error is volume.ErrNotRegular. A process that may have the database open
// calls ownerOfOpened.
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

// ownerOfOpened is ownerOf for a file that this process may have open as a database. It lets SQLite open the file, because a process
// loses all its locks on a file as soon as it closes any descriptor of it (https://www.sqlite.org/howtocorrupt.html, section 2.2).
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
	// Mostly the file is enough, without what is still in its log, because one transaction makes our mark or our tables. Only if the
	// file is empty, look into the log too.
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

// inspect opens a database read-only and says which program made it.
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

// whose says which program made an open database, by its mark and its tables.
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
	// Our versions without a mark made these tables and no others.
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
		return nobody, nil // a start that was killed early left no more than this
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

// readOnly is the URI of a database that is only read. "ro" reads in the usual way; "immutable" reads without locks, log and journal
// (https://www.sqlite.org/uri.html).
func readOnly(path, how string) string {
	q := url.Values{"_pragma": {"busy_timeout(2000)", "cache_size(-512)"}, "mode": {"ro"}}
	if how == "immutable" {
		q.Set("immutable", "1")
	}
	return uri(path, q)
}

// leavesNoTrace chooses how to read a database of another program without creating a file beside it: if the database is in WAL mode
// and has no log, SQLite's usual way would create one.
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

// begin makes a new database ours, in one transaction. It also allows the file to shrink later (auto_vacuum). That must be set while
// the database is empty; setting it at each opening would write each time (https://www.sqlite.org/pragma.html#pragma_auto_vacuum).
func begin(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, fmt.Sprintf("BEGIN; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = %d; COMMIT", applicationID))
	return err
}

// mark writes our mark into a database.
func mark(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	return err
}

// Adopted says what Adopt found and did.
type Adopted int

// The results of Adopt.
const (
	// Nothing: there was nothing to do.
	Nothing Adopted = iota
	// Moved: our database had the former name and has the present one now.
	Moved
	// LeftAlone: the file with the former name is not ours. We have no database yet.
	LeftAlone
)

// Adopt renames a profile's database from its former name to path. It does so once: only if nothing is at path and a database of
// ours is at former. A file of another program is not changed. The caller must keep the profile's gateway from starting meanwhile.
// The process may be killed at any moment; the next call finds the whole database under one of the two names.
//
// Its errors name the file. If the file cannot be renamed because it is a mount, the error is volume.ErrMount.
func Adopt(ctx context.Context, former, path string) (Adopted, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return Nothing, nil // if something is wrong with it, Open reports that
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

// readersEnd is how long Adopt waits for readers to finish: a page of the dashboard takes less than a second.
const readersEnd = 5 * time.Second

// oneFile moves the content of the log into the file and leaves WAL mode. SQLite refuses that while another connection has the
// database open, and does not wait, so oneFile tries again until readersEnd is over.
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

// Find returns the path of a profile's database: path, or former if no gateway has renamed it yet.
func Find(ctx context.Context, path, former string) string {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return path
	}
	if who, err := ownerOfOpened(ctx, former); err == nil && (who == ours || who == earlier) {
		return former
	}
	return path
}

// Foreign reports whether a file is a database that another program made.
func Foreign(ctx context.Context, path string) bool {
	who, err := ownerOfOpened(ctx, path)
	return err == nil && who == foreign
}
