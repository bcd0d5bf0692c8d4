package store

import (
	"context"
	"fmt"
)

// Check looks for damage in a database, which may be in use: it reads all of it, for as long as ctx lasts. It changes nothing.
// One that no gateway made yet is an error for which Missing is true.
func Check(ctx context.Context, path string) error {
	r, err := OpenReader(ctx, path)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := r.check(ctx); err != nil {
		return fmt.Errorf("cannot use the profile's database %s: %w", path, err)
	}
	return nil
}

func (r *Reader) check(ctx context.Context) error {
	var have int
	if err := r.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	if have > schema {
		return newer(have)
	}
	var said string
	if err := r.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
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
