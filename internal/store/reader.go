package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Reader reads a database into which a gateway may be writing. It changes nothing.
type Reader struct{ db *sql.DB }

// OpenReader opens a database in order to read it. The error is fs.ErrNotExist if no gateway has made the database yet.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	fail := func(err error) (*Reader, error) {
		return nil, fmt.Errorf("cannot read the profile's database %s: %w", path, err)
	}
	if _, err := os.Lstat(path); err != nil {
		return fail(reason(err))
	}
	if err := claim(path); err != nil {
		return fail(err)
	}
	db, err := sql.Open("sqlite", readOnly(path, "ro"))
	if err != nil {
		return fail(err)
	}
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return fail(err)
	}
	return &Reader{db}, nil
}

// Close closes the database.
func (r *Reader) Close() error { return r.db.Close() }

// Session describes a session without its messages.
type Session struct {
	ID               string    `json:"id"`
	Created, Updated time.Time `json:"-"`
	Messages         int       `json:"messages"`
	// First is the beginning of the session's first message.
	First string `json:"first"`
}

// previewLength is how many characters of a message a list of sessions shows.
const previewLength = 120

// Sessions returns limit sessions after the first skip ones, the one with the newest message first, and whether there are more. If q
// is not "", only sessions with a message that contains q count.
func (r *Reader) Sessions(ctx context.Context, q string, skip, limit int) (list []Session, more bool, err error) {
	// The inner query chooses the sessions, so that messages are counted only for those that are returned.
	const query = `SELECT s.id, s.created, s.updated, (SELECT count(*) FROM messages m WHERE m.session = s.id),
		coalesce((SELECT substr(content, 1, ?1) FROM messages m WHERE m.session = s.id ORDER BY m.id LIMIT 1), '')
		FROM (SELECT * FROM sessions o WHERE ?2 = '' OR EXISTS (SELECT 1 FROM messages m WHERE m.session = o.id AND instr(lower(m.content), lower(?2)) > 0)
		ORDER BY o.updated DESC, o.id LIMIT ?3 OFFSET ?4) s ORDER BY s.updated DESC, s.id`
	rows, err := r.db.QueryContext(ctx, query, previewLength, q, limit+1, skip)
	if err != nil {
		return nil, false, readFailed(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s Session
		var created, updated int64
		if err := rows.Scan(&s.ID, &created, &updated, &s.Messages, &s.First); err != nil {
			return nil, false, readFailed(err)
		}
		s.Created, s.Updated = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
		list = append(list, s)
	}
	if len(list) > limit {
		list, more = list[:limit], true
	}
	return list, more, readFailed(rows.Err())
}

// Transcript returns up to limit messages of a session, the oldest first: the last ones before the message with the id before, or
// the last ones of all if before is 0. earlier is the id to pass as before for the messages before these, or 0 if there are none.
func (r *Reader) Transcript(ctx context.Context, session string, before int64, limit int) (list []Message, earlier int64, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT id, role, content, interrupted, created FROM (SELECT * FROM messages
		WHERE session = ?1 AND (?2 = 0 OR id < ?2) ORDER BY id DESC LIMIT ?3) ORDER BY id`, session, before, limit+1)
	if err != nil {
		return nil, 0, readFailed(err)
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var m Message
		var id, created int64
		if err := rows.Scan(&id, &m.Role, &m.Content, &m.Interrupted, &created); err != nil {
			return nil, 0, readFailed(err)
		}
		m.Created = time.UnixMilli(created).UTC()
		ids, list = append(ids, id), append(list, m)
	}
	if len(list) > limit {
		list, earlier = list[1:], ids[1]
	}
	return list, earlier, readFailed(rows.Err())
}

// pageBytes limits what After returns at a time, in bytes of text. A single message is returned even if it is longer.
const pageBytes = 1 << 20

// After returns messages of a session, the oldest first, that come after the message with the id after; 0 begins with the first.
// next is the id to pass for the following messages, or 0 at the end. A session that does not exist has no messages.
func (r *Reader) After(ctx context.Context, session string, after int64) (list []Message, next int64, err error) {
	rows, err := r.db.QueryContext(ctx, "SELECT id, role, content, interrupted, created FROM messages WHERE session = ? AND id > ? ORDER BY id LIMIT 500", session, after)
	if err != nil {
		return nil, 0, readFailed(err)
	}
	defer rows.Close()
	for size := 0; size < pageBytes && rows.Next(); {
		var m Message
		var created int64
		if err := rows.Scan(&next, &m.Role, &m.Content, &m.Interrupted, &created); err != nil {
			return nil, 0, readFailed(err)
		}
		m.Created = time.UnixMilli(created).UTC()
		size += len(m.Content)
		list = append(list, m)
	}
	return list, next, readFailed(rows.Err())
}

// LastOf returns the id after which the last n messages of a session begin, or 0 if the session has no more than n.
func (r *Reader) LastOf(ctx context.Context, session string, n int) (after int64, err error) {
	err = r.db.QueryRowContext(ctx, "SELECT id FROM messages WHERE session = ? ORDER BY id DESC LIMIT 1 OFFSET ?", session, n).Scan(&after)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return after, readFailed(err)
}

// Broken is an answer that was interrupted, with its question.
type Broken struct {
	Session  string
	Question string
	Created  time.Time
}

// Interrupted returns the interrupted answers whose question was not asked again, the latest first.
func (r *Reader) Interrupted(ctx context.Context, limit int) ([]Broken, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT a.session, a.created, coalesce((SELECT q.content FROM messages q WHERE q.session = a.session AND q.id < a.id
		AND q.role = 'user' ORDER BY q.id DESC LIMIT 1), '') FROM messages a WHERE a.interrupted = 1 AND a.role = 'assistant'
		AND NOT EXISTS (SELECT 1 FROM messages n WHERE n.session = a.session AND n.id > a.id) ORDER BY a.id DESC LIMIT ?`, limit)
	if err != nil {
		return nil, readFailed(err)
	}
	defer rows.Close()
	var list []Broken
	for rows.Next() {
		var b Broken
		var created int64
		if err := rows.Scan(&b.Session, &created, &b.Question); err != nil {
			return nil, readFailed(err)
		}
		b.Created = time.UnixMilli(created).UTC()
		list = append(list, b)
	}
	return list, readFailed(rows.Err())
}

// Day counts the messages of one day (UTC).
type Day struct {
	Date    string `json:"date"` // 2006-01-02
	Asked   int    `json:"asked"`
	Replied int    `json:"replied"`
}

// Usage returns the days since a time that have messages, the oldest first.
func (r *Reader) Usage(ctx context.Context, since time.Time) ([]Day, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT date(created / 1000, 'unixepoch') AS day, sum(role = 'user'), sum(role = 'assistant')
		FROM messages WHERE created >= ? GROUP BY day ORDER BY day`, since.UnixMilli())
	if err != nil {
		return nil, readFailed(err)
	}
	defer rows.Close()
	var list []Day
	for rows.Next() {
		var d Day
		if err := rows.Scan(&d.Date, &d.Asked, &d.Replied); err != nil {
			return nil, readFailed(err)
		}
		list = append(list, d)
	}
	return list, readFailed(rows.Err())
}

func readFailed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot read the profile's database: %w", err)
}

// Missing reports whether the error of OpenReader means that there is no database yet.
func Missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
