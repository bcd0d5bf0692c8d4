package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	"hermes/internal/volume"
)

// Backup writes a consistent copy of a database into a new file, mode 0600. The database may be in use and may have any schema; a
// database of another program is not changed. If from is not a regular file, the error wraps volume.ErrNotRegular.
func Backup(ctx context.Context, from, to string) error {
	if err := backup(ctx, from, to); err != nil {
		return fmt.Errorf("cannot copy the profile's database %s: %w", from, err)
	}
	return nil
}

func backup(ctx context.Context, from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return reason(err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is %s: %w", filepath.Base(from), volume.Kind(info.Mode()), volume.ErrNotRegular)
	}
	if err := claim(from); err != nil {
		return err
	}
	who, err := ownerOf(ctx, from)
	if err != nil {
		return reason(err)
	}
	source := dsn(from)
	if who == foreign {
		how, err := leavesNoTrace(from)
		if err != nil {
			return reason(err)
		}
		source = readOnly(from, how)
	}
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	// SQLite wants a target that is empty or missing. Creating it here makes it private from the start.
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	return err
}
