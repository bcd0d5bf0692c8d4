package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schema is the number of the newest migration. The database has it as its user_version, so that a normal start reads one number and
// does not run goose, whose parser's buffers would stay in the memory of every gateway.
const schema = 2

func migrate(ctx context.Context, db *sql.DB) error {
	var have int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	switch {
	case have == schema:
		return nil
	case have > schema:
		return newer(have)
	}
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithVerbose(false))
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("cannot migrate it from schema %d: %w", have, err)
	}
	// If the process dies between the two steps, goose finds the migration in its own table and does not apply it again.
	_, err = db.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", schema))
	return err
}
