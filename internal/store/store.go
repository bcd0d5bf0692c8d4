// Package store keeps a profile's sessions in the SQLite file of its home.
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
	"slices"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"hermes/internal/volume"
)

// Message is one entry of a session.
type Message struct {
	Role    string // user or assistant
	Content string // all texts, one after the other
	// Parts are the message's parts, if it is more than one text. Only Append and History use them.
	Parts       []Part
	Interrupted bool // an answer that was interrupted
	Created     time.Time
	Origin      Origin // only Append and History use it
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	db      *sql.DB
	journal string
}

// Open opens the database, creates it if it is missing, and brings its tables up to date. Its error names the file. A database of
// another program gives ErrForeign and is not changed.
func Open(ctx context.Context, path string) (*Store, error) {
	s, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the profile's database %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string) (_ *Store, err error) {
	if err := claim(path); err != nil {
		return nil, err
	}
	who, err := ownerOf(ctx, path)
	if err != nil {
		return nil, reason(err)
	}
	if who == foreign {
		return nil, fmt.Errorf("%w: move it away", ErrForeign)
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, err
	}
	// Each connection has a page cache of its own. Turns use the database only shortly, so one connection is enough.
	db.SetMaxOpenConns(1)
	defer func() {
		if err != nil {
			db.Close()
		}
	}()
	s := &Store{db: db}
	// Write the mark before switching to WAL, so that it is in the file itself and not only in the log.
	switch who {
	case nobody:
		err = begin(ctx, db)
	case earlier:
		err = mark(ctx, db)
	}
	if err != nil {
		return nil, err
	}
	if s.journal, err = chooseJournal(ctx, db); err != nil {
		return nil, err
	}
	if err := migrate(ctx, db); err != nil {
		return nil, err
	}
	return s, nil
}

// claim creates the file with mode 0600 before SQLite opens it; SQLite gives its side files the same mode. It refuses anything but a
// regular file, because SQLite would follow a link out of the home.
func claim(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		return f.Close()
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		info, lerr := os.Lstat(path + suffix)
		if errors.Is(lerr, fs.ErrNotExist) && suffix != "" {
			continue
		}
		if lerr != nil {
			return reason(err)
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is %s: %w", filepath.Base(path+suffix), volume.Kind(info.Mode()), volume.ErrNotRegular)
		}
	}
	return nil
}

// reason removes the path from an error, because Open names it.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// busyTimeout is how long a statement waits while others use the database, in milliseconds.
const busyTimeout = 5000

// dsn is the URI for opening a database to write to it. A path may contain any character. Deleted data is overwritten
// (secure_delete). Opening alone writes nothing, so it does not wait for a writer.
func dsn(path string) string {
	return uri(path, url.Values{"_pragma": {fmt.Sprintf("busy_timeout(%d)", busyTimeout), "cache_size(-512)", "foreign_keys(1)", "secure_delete(1)"}, "_txlock": {"immediate"}})
}

func uri(path string, q url.Values) string {
	p := filepath.ToSlash(path)
	if p != "" && p[0] != '/' {
		p = "/" + p // a path such as C:/...
	}
	return (&url.URL{Scheme: "file", Path: p, RawQuery: q.Encode()}).String()
}

// chooseJournal asks SQLite for WAL. A file system without shared memory, such as some network mounts, cannot have it; then SQLite
// answers with another mode or fails, and a rollback journal is used, which works everywhere.
func chooseJournal(ctx context.Context, db *sql.DB) (string, error) {
	var mode string
	err := db.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode)
	if err != nil || mode != "wal" {
		if err := db.QueryRowContext(ctx, "PRAGMA journal_mode=TRUNCATE").Scan(&mode); err != nil {
			return "", err
		}
	}
	// In WAL mode NORMAL loses nothing if the process dies; if the machine dies, the last turns may be lost. It saves an fsync for
	// each message.
	sync := "FULL"
	if mode == "wal" {
		sync = "NORMAL"
	}
	_, err = db.ExecContext(ctx, "PRAGMA synchronous="+sync)
	return mode, err
}

// Journal returns the journal mode in use: wal or, where the file system has no WAL, truncate.
func (s *Store) Journal() string { return s.journal }

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// maxHistory limits how many messages History returns.
const maxHistory = 400

// History returns the newest messages of a session, the oldest first: at most 400 messages and at most limit bytes, without
// reasoning. A session that does not exist has no messages.
func (s *Store) History(ctx context.Context, session string, limit int) ([]Message, error) {
	out, err := s.history(ctx, session, limit)
	if err != nil {
		return nil, fmt.Errorf("cannot read a session: %w", err)
	}
	return out, nil
}

func (s *Store) history(ctx context.Context, session string, limit int) ([]Message, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT m.id, m.role, m.content, m.interrupted, m.created,
		coalesce(o.channel, ''), coalesce(o.chat, ''), coalesce(o.thread, ''), coalesce(o.sender, ''), coalesce(o.message_key, ''),
		coalesce((SELECT sum(p.size) FROM parts p WHERE p.message = m.id), 0)
		FROM messages m LEFT JOIN origins o ON o.message = m.id WHERE m.session = ? ORDER BY m.id DESC LIMIT ?`, session, maxHistory)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Message
	var ids []int64
	var more []int // indexes of messages whose parts have to be read
	for size := 0; rows.Next(); {
		var m Message
		var id, created int64
		var extra int
		o := &m.Origin
		if err := rows.Scan(&id, &m.Role, &m.Content, &m.Interrupted, &created, &o.Channel, &o.Chat, &o.Thread, &o.Sender, &o.Key, &extra); err != nil {
			return nil, err
		}
		if size += len(m.Content) + extra; size > limit {
			break
		}
		if extra > 0 {
			more = append(more, len(out))
		}
		m.Created = time.UnixMilli(created).UTC()
		out, ids = append(out, m), append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	if len(more) > 0 {
		at := make(map[int64]*Message, len(more))
		for _, i := range more {
			at[ids[i]] = &out[i]
		}
		if err := s.addParts(ctx, session, ids[more[len(more)-1]], at); err != nil {
			return nil, err
		}
	}
	slices.Reverse(out)
	return out, nil
}

// Append adds messages to a session, all or none. A zero Created means now. An answer does not create a session: if the session was
// deleted while the model worked, it stays deleted. It returns ErrDouble for a key that the chat has already.
func (s *Store) Append(ctx context.Context, session string, msgs ...Message) error {
	if err := s.append(ctx, session, msgs); err != nil {
		return fmt.Errorf("cannot save a message: %w", err)
	}
	return nil
}

func (s *Store) append(ctx context.Context, session string, msgs []Message) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	now := time.Now()
	begin := "INSERT INTO sessions (id, created, updated) VALUES (?1, ?2, ?2) ON CONFLICT (id) DO UPDATE SET updated = excluded.updated"
	if len(msgs) > 0 && msgs[0].Role == "assistant" {
		begin = "UPDATE sessions SET updated = ?2 WHERE id = ?1"
	}
	done, err := tx.ExecContext(ctx, begin, session, now.UnixMilli())
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return err
	}
	for _, m := range msgs {
		if m.Created.IsZero() {
			m.Created = now
		}
		if err := insert(ctx, tx, session, m); err != nil {
			return err
		}
	}
	return tx.Commit()
}
