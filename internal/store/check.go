package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// Check looks for damage in a database, which may be in use. It reads all of it, until ctx ends, and changes nothing. If no gateway
// has made the database yet, Missing is true for the error.
func Check(ctx context.Context, path string) error {
	// SQLite's usual way of reading leaves side files beside a WAL database that nobody uses. Reading it as immutable
	// (https://www.sqlite.org/uri.html#uriimmutable) leaves none, but the database may look damaged if another process changes it
	// meanwhile. So an error here does not count: the usual way below decides.
	if _, err := os.Lstat(path + "-wal"); errors.Is(err, fs.ErrNotExist) && checkUnused(ctx, path) == nil {
		return nil
	}
	r, err := OpenReader(ctx, path)
	if err != nil {
		return err
	}
	defer r.Close()
	return checked(path, check(ctx, r.db))
}

// checkUnused is Check for a database that no process uses.
func checkUnused(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err != nil { // otherwise claim would create the file
		return err
	}
	if err := claim(path); err != nil {
		return err
	}
	p := filepath.ToSlash(path)
	if p != "" && p[0] != '/' {
		p = "/" + p
	}
	q := url.Values{"_pragma": {"cache_size(-512)", "query_only(1)"}, "mode": {"ro"}, "immutable": {"1"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: p, RawQuery: q.Encode()}).String())
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	return check(ctx, db)
}

func checked(path string, err error) error {
	if err != nil {
		return fmt.Errorf("cannot use the profile's database %s: %w", path, err)
	}
	return nil
}

func check(ctx context.Context, db *sql.DB) error {
	var have int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	if have > schema {
		return newer(have)
	}
	var said string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return fmt.Errorf("it is damaged: %s", said)
	}
	return nil
}

// newer is the error for a database whose schema is newer than this program.
func newer(have int) error {
	return fmt.Errorf("it was written by a newer hermes (schema %d, this one knows %d): update hermes", have, schema)
}
