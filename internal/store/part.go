package store

import (
	"context"
	"database/sql"
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Kind says what kind of part a Part is.
type Kind string

// The kinds of parts.
const (
	KindText       Kind = "text"
	KindImage      Kind = "image"
	KindToolCall   Kind = "tool_call"
	KindToolResult Kind = "tool_result"
	KindReasoning  Kind = "reasoning" // the model's reasoning
)

// Part is a piece of a message.
type Part struct {
	Kind      Kind
	Text      string // the text, the input of a call, or the output of a result
	MediaType string // of an image
	Data      []byte // the image itself
	Call      string // the id of a call; its result has the same
	Tool      string // the name of the called tool
	Failed    bool   // the tool failed; Text says why
}

// Origin says where a message came from; an empty field is unknown.
type Origin struct {
	Channel string
	Chat    string
	Thread  string
	Sender  string
	Key     string // the channel's key for the message; no two messages of a chat have the same
}

// ErrDouble reports that the chat already has a message with this key.
var ErrDouble = errors.New("this message is there already")

// doubled turns SQLite's error about a violated unique index into ErrDouble. An insert can violate only the index of keys.
func doubled(err error) error {
	var se *sqlite.Error
	if errors.As(err, &se) && se.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE {
		return ErrDouble
	}
	return err
}

// insert adds a message to an existing session.
func insert(ctx context.Context, tx *sql.Tx, session string, m Message) error {
	done, err := tx.ExecContext(ctx, "INSERT INTO messages (session, role, content, interrupted, created) VALUES (?, ?, ?, ?, ?)",
		session, m.Role, m.Content, m.Interrupted, m.Created.UnixMilli())
	if err != nil || len(m.Parts) == 0 && m.Origin == (Origin{}) {
		return err
	}
	id, err := done.LastInsertId()
	if err != nil {
		return err
	}
	if o := m.Origin; o != (Origin{}) {
		if _, err := tx.ExecContext(ctx, "INSERT INTO origins (message, channel, chat, thread, sender, message_key) VALUES (?, ?, ?, ?, ?, ?)",
			id, o.Channel, o.Chat, o.Thread, o.Sender, o.Key); err != nil {
			return doubled(err)
		}
	}
	several := 0 // how many texts the message has
	for _, p := range m.Parts {
		if p.Kind == KindText {
			several++
		}
	}
	for i, p := range m.Parts {
		text := sql.NullString{String: p.Text, Valid: p.Kind != KindText || p.Text != m.Content}
		if _, err := tx.ExecContext(ctx, "INSERT INTO parts (message, position, kind, size, text, media_type, data, call, tool, failed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			id, i, p.Kind, p.size(several > 1), text, p.MediaType, p.Data, p.Call, p.Tool, p.Failed); err != nil {
			return err
		}
	}
	return nil
}

// size is how many bytes a part adds to a history, beyond the message's content.
func (p Part) size(severalTexts bool) int {
	switch {
	case p.Kind == KindReasoning, p.Kind == KindText && !severalTexts:
		return 0
	case p.Kind == KindText:
		return 1 // only the place where it begins has to be stored
	}
	return len(p.Kind) + len(p.Text) + len(p.MediaType) + len(p.Data) + len(p.Call) + len(p.Tool)
}

// addParts reads the parts of the messages in at, whose keys are the messages' ids. It leaves out reasoning, because a model is not
// told again what it thought.
func (s *Store) addParts(ctx context.Context, session string, oldest int64, at map[int64]*Message) error {
	rows, err := s.db.QueryContext(ctx, `SELECT p.message, p.kind, p.text, p.media_type, p.data, p.call, p.tool, p.failed FROM messages m CROSS JOIN parts p
		ON p.message = m.id WHERE m.session = ? AND m.id >= ? AND p.kind <> 'reasoning' ORDER BY m.id, p.position`, session, oldest)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var p Part
		var text sql.NullString
		if err := rows.Scan(&id, &p.Kind, &text, &p.MediaType, &p.Data, &p.Call, &p.Tool, &p.Failed); err != nil {
			return err
		}
		m := at[id]
		if m == nil {
			continue // the message needs no parts, or it was written after the messages were read
		}
		p.Text = text.String
		if !text.Valid {
			p.Text = m.Content
		}
		m.Parts = append(m.Parts, p)
	}
	return rows.Err()
}
