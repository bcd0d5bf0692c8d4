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

// Check looks for damage in a database, which may be in use: it reads all of it, for as long as ctx lasts. It changes nothing.
// One that no gateway made yet is an error for which Missing is true.
func Check(ctx context.Context, path string) error {
	// Read in the usual way, a database in WAL mode that nobody uses gets its side files, which then stay. Read as one that nobody
	// changes (https://www.sqlite.org/uri.html#uriimmutable) it gets none, but may look damaged if somebody changes it after all.
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

// checkUnused is Check for a database that nobody uses.
func checkUnused(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err != nil { // claim would make one
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

// newer is the error about a database of a schema that is not known here.
func newer(have int) error {
	return fmt.Errorf("it was written by a newer hermes (schema %d, this one knows %d): update hermes", have, schema)
}
