package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"time"
)

// Retention says which sessions and messages of a profile are kept. The zero value keeps everything.
type Retention struct {
	// MaxAge is how long a session is kept after the last message to it; 0 keeps it for ever.
	MaxAge time.Duration
	// MaxMessages is how many messages of each session are kept; the oldest go first. 0 keeps all.
	MaxMessages int
}

// On reports whether the retention removes anything at all.
func (r Retention) On() bool { return r.MaxAge > 0 || r.MaxMessages > 0 }

// Removed counts what was removed, or would be.
type Removed struct {
	Sessions int   `json:"sessions"` // sessions that were removed as a whole
	Messages int64 `json:"messages"` // messages, including those of removed sessions
}

// NoSessionError reports that there is no session with this ID.
type NoSessionError struct{ ID string }

func (e *NoSessionError) Error() string {
	return fmt.Sprintf("no such session %q: `hermes sessions list` shows those that are there", e.ID)
}

const (
	// usualBatch is how many messages are removed in one transaction, and how many pages are returned at a time. A gateway that
	// wants to write waits for one batch at most.
	usualBatch = 1000
	// minPause is the least time between two batches, in which others may write. SQLite has no queue: a waiting writer looks again
	// every 100 ms at most.
	minPause = 20 * time.Millisecond
)

// Editor removes sessions from a database into which a gateway may be writing.
type Editor struct{ remover }

// remover removes sessions and messages from a database.
type remover struct {
	db    *sql.DB
	batch int // how many messages, sessions and pages go at a time: usualBatch; tests set fewer
}

// oldestEdited is the oldest schema from which an Editor can remove sessions. It works on old schemas too, because a gateway that is
// down has not brought its database up to date.
const oldestEdited = 1

// OpenEditor opens a database in order to remove sessions from it. The error is fs.ErrNotExist if no gateway has made the database
// yet. It refuses a schema that this program does not know, and does not migrate: only a gateway does.
func OpenEditor(ctx context.Context, path string) (*Editor, error) {
	fail := func(err error) (*Editor, error) {
		return nil, fmt.Errorf("cannot change the profile's database %s: %w", path, err)
	}
	if _, err := os.Lstat(path); err != nil {
		return fail(reason(err))
	}
	if err := claim(path); err != nil {
		return fail(err)
	}
	if who, err := ownerOfOpened(ctx, path); err != nil {
		return fail(reason(err))
	} else if who == foreign {
		return fail(ErrForeign)
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return fail(err)
	}
	db.SetMaxOpenConns(1)
	var have int
	err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have)
	if err == nil && (have < oldestEdited || have > schema) {
		err = fmt.Errorf("its schema is %d, and this hermes knows %d: start the profile's gateway with this hermes first", have, schema)
	}
	if err != nil {
		db.Close()
		return fail(err)
	}
	return &Editor{remover{db, usualBatch}}, nil
}

// Close closes the database.
func (e *Editor) Close() error { return e.db.Close() }

// Known returns a *NoSessionError if there is no such session.
func (e *Editor) Known(ctx context.Context, id string) error {
	var there bool
	if err := e.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?)", id).Scan(&there); err != nil {
		return readFailed(err)
	}
	if !there {
		return &NoSessionError{id}
	}
	return nil
}

// Delete removes a session with all its messages. If it is interrupted, some messages may be left; calling it again removes them. It
// returns *NoSessionError if there is no such session.
func (e *Editor) Delete(ctx context.Context, id string) (Removed, error) {
	var r Removed
	err := e.Known(ctx, id)
	if err != nil {
		return r, err
	}
	emptyLog(ctx, e.db) // on a full volume the removal needs the room that the log takes
	for err == nil && r.Sessions == 0 {
		err = e.inBatch(ctx, &r, func(tx *sql.Tx, r *Removed) error {
			_, err := forgetSession(ctx, tx, id, e.batch, r)
			return err
		})
	}
	if err != nil {
		return r, fmt.Errorf("cannot delete a session: %w", err)
	}
	return r, e.giveBack(ctx)
}

// Prune removes what the retention does not keep, as of now.
func (e *Editor) Prune(ctx context.Context, keep Retention, now time.Time) (Removed, error) {
	return e.prune(ctx, keep, now)
}

// Prune removes what the retention does not keep, as of now. Turns can write meanwhile.
func (s *Store) Prune(ctx context.Context, keep Retention, now time.Time) (Removed, error) {
	return remover{s.db, usualBatch}.prune(ctx, keep, now)
}

func (m remover) prune(ctx context.Context, keep Retention, now time.Time) (Removed, error) {
	var r Removed
	var err error
	emptyLog(ctx, m.db) // on a full volume the removal needs the room that the log takes
	if keep.MaxAge > 0 {
		err = m.pruneOld(ctx, now.Add(-keep.MaxAge), &r)
	}
	if keep.MaxMessages > 0 && err == nil {
		err = m.pruneLong(ctx, keep.MaxMessages, &r)
	}
	if err != nil {
		return r, fmt.Errorf("cannot remove old sessions: %w", err)
	}
	if r == (Removed{}) {
		return r, nil
	}
	return r, m.giveBack(ctx)
}

// pruneOld removes the sessions to which nobody has written since a time, in the order of their ids.
func (m remover) pruneOld(ctx context.Context, since time.Time, r *Removed) error {
	for last, more := "", true; more; {
		at := last
		err := m.inBatch(ctx, r, func(tx *sql.Tx, r *Removed) error {
			ids, err := texts(ctx, tx, "SELECT id FROM sessions WHERE updated < ? AND id > ? ORDER BY id LIMIT ?", since.UnixMilli(), last, m.batch)
			more = len(ids) > 0
			for left := m.batch; len(ids) > 0 && err == nil && left > 0; ids = ids[1:] {
				if left, err = forgetSession(ctx, tx, ids[0], left, r); left > 0 {
					at = ids[0]
				}
			}
			return err
		})
		if err != nil {
			return err
		}
		last = at // only after the commit, so that a failed batch is not skipped
	}
	return nil
}

// pruneLong removes the oldest messages of each session that has more than keep.
func (m remover) pruneLong(ctx context.Context, keep int, r *Removed) error {
	for last := ""; ; {
		ids, err := texts(ctx, m.db, "SELECT session FROM messages WHERE session > ? GROUP BY session HAVING count(*) > ? ORDER BY session LIMIT ?", last, keep, m.batch)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			for cut := int64(m.batch); cut == int64(m.batch); {
				err := m.inBatch(ctx, r, func(tx *sql.Tx, r *Removed) error {
					done, err := tx.ExecContext(ctx, `DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE session = ?1 AND id <=
						(SELECT id FROM messages WHERE session = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2) ORDER BY id LIMIT ?3)`, id, keep, m.batch)
					if err == nil {
						cut, err = done.RowsAffected()
					}
					r.Messages += cut
					return err
				})
				if err != nil {
					return err
				}
			}
			last = id
		}
	}
}

// forgetSession removes up to left messages of a session, the oldest first, and removes the session itself after its last message.
// It returns how many more messages the batch may remove.
func forgetSession(ctx context.Context, tx *sql.Tx, id string, left int, r *Removed) (int, error) {
	done, err := tx.ExecContext(ctx, "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE session = ? ORDER BY id LIMIT ?)", id, left)
	if err != nil {
		return 0, err
	}
	n, err := done.RowsAffected()
	if err != nil {
		return 0, err
	}
	r.Messages += n
	if left -= int(n); left == 0 {
		return 0, nil // the session may have more messages
	}
	if _, err = tx.ExecContext(ctx, "DELETE FROM sessions WHERE id = ?", id); err == nil {
		r.Sessions++
	}
	return left, err
}

// inBatch runs do in a transaction and, after the commit, adds what it removed to r. After a full batch it pauses, so that others
// can write.
func (m remover) inBatch(ctx context.Context, r *Removed, do func(*sql.Tx, *Removed) error) error {
	began := time.Now()
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	now := *r
	if err := do(tx, &now); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	full := now.Messages-r.Messages >= int64(m.batch)
	*r = now
	if !full {
		return nil
	}
	return pause(ctx, max(minPause, time.Since(began)))
}

// pause waits for the time, or returns the error of ctx when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// giveBack returns the free pages to the file system, so that the file gets smaller, and empties the log. A database that was made
// before November 2026 cannot shrink: it keeps its size and reuses its free pages. Only a copy of it (Backup) is smaller.
func (m remover) giveBack(ctx context.Context) error {
	for before := int64(-1); ; {
		began := time.Now()
		var free int64
		if err := m.db.QueryRowContext(ctx, "PRAGMA freelist_count").Scan(&free); err != nil {
			return fmt.Errorf("cannot make the database smaller: %w", err)
		}
		if free == 0 || free == before {
			break
		}
		before = free
		if err := stepAll(ctx, m.db, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", m.batch)); err != nil {
			return fmt.Errorf("cannot make the database smaller: %w", err)
		}
		if free > int64(m.batch) {
			if err := pause(ctx, max(minPause, time.Since(began))); err != nil {
				return err
			}
		}
	}
	emptyLog(ctx, m.db)
	return ctx.Err()
}

// emptyLog moves as much as it can from SQLite's log into the database. If a reader keeps it from emptying the log, a later call
// does it. Nobody can write while it waits for readers, so it waits for 200 ms at most.
func emptyLog(ctx context.Context, db *sql.DB) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return
	}
	defer conn.Close()
	_, err = conn.ExecContext(ctx, "PRAGMA busy_timeout = 200")
	if err == nil {
		var busy, pages, moved int64
		_ = conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved) // a busy reader is no error: see above
	}
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("PRAGMA busy_timeout = %d", busyTimeout)); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // close the connection, so that the next one has the usual timeout
	}
}

// stepAll runs a statement to its end. incremental_vacuum needs that: it frees one page with each row that is read.
func stepAll(ctx context.Context, db *sql.DB, query string) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() { // the rows are empty
	}
	return rows.Err()
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// texts returns the only column of a query's rows.
func texts(ctx context.Context, db querier, query string, args ...any) ([]string, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, errors.Join(rows.Err(), rows.Close())
}

// Prunable returns what Prune would remove.
func (r *Reader) Prunable(ctx context.Context, keep Retention, now time.Time) (Removed, error) {
	var n Removed
	since := int64(0) // the zero time: no session is older
	if keep.MaxAge > 0 {
		since = now.Add(-keep.MaxAge).UnixMilli()
		err := r.db.QueryRowContext(ctx, `SELECT count(*), coalesce(sum((SELECT count(*) FROM messages m WHERE m.session = s.id)), 0)
			FROM sessions s WHERE updated < ?`, since).Scan(&n.Sessions, &n.Messages)
		if err != nil {
			return n, readFailed(err)
		}
	}
	if keep.MaxMessages > 0 {
		var long int64
		err := r.db.QueryRowContext(ctx, `SELECT coalesce(sum(n - ?1), 0) FROM (SELECT count(*) AS n FROM messages m JOIN sessions s ON s.id = m.session
			WHERE s.updated >= ?2 GROUP BY m.session HAVING n > ?1)`, keep.MaxMessages, since).Scan(&long)
		if err != nil {
			return n, readFailed(err)
		}
		n.Messages += long
	}
	return n, nil
}
