package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"hermes/internal/dashboard/access"
	"hermes/internal/fleet"
	"hermes/internal/profile/config"
	"hermes/internal/store"
)

// removeWithin is how long one request may remove sessions. The next request removes what is left.
const removeWithin = 10 * time.Minute

// edit opens a profile's database for changes. If there is no database yet, nothing is changed, and that is no error.
func edit(ctx context.Context, g *fleet.Gateway, edit func(*store.Editor) error) error {
	db, err := store.OpenEditor(ctx, store.Find(ctx, g.Home.Database(), g.Home.FormerDatabase()))
	if store.Missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(edit(db), db.Close())
}

// DeleteSession deletes a session. The error for one that does not exist is *store.NoSessionError.
func (a *Actions) DeleteSession(ctx context.Context, v access.Visitor, g *fleet.Gateway, session string) Outcome {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
	defer cancel()
	var gone store.Removed
	err := edit(ctx, g, func(db *store.Editor) (err error) {
		gone, err = db.Delete(ctx, session)
		return err
	})
	if err == nil && gone.Sessions == 0 {
		err = &store.NoSessionError{ID: session}
	}
	a.journals.Record(v, "delete session", g.Profile.String(), session, err)
	if err != nil {
		return Outcome{Err: err}
	}
	return Outcome{Text: fmt.Sprintf("the session is deleted, with %s", count(gone.Messages, "message"))}
}

// Limits say which sessions and messages are old, as a visitor wrote it. An empty text is no limit.
type Limits struct {
	OlderThan string // a time like 90d; sessions that nobody has written to for longer are old
	Messages  string // a number; of each session, all messages before the last so many are old
}

// PruneError reports limits that cannot be used.
type PruneError struct{ msg string }

func (e *PruneError) Error() string { return e.msg }

// retention reads the limits. Without any, nobody knows what to remove. The error is *PruneError.
func (l Limits) retention() (keep store.Retention, err error) {
	if l.OlderThan != "" {
		if keep.MaxAge, err = config.ParseAge(l.OlderThan); err != nil {
			return keep, &PruneError{"older than: " + err.Error()}
		}
	}
	if l.Messages != "" {
		if keep.MaxMessages, err = strconv.Atoi(l.Messages); err != nil || keep.MaxMessages < 1 {
			return store.Retention{}, &PruneError{"messages to keep: want a number from 1"}
		}
	}
	if !keep.On() {
		return keep, &PruneError{"say which: older than a time like 90d, or all but the last messages"}
	}
	return keep, nil
}

// Prunable counts what PruneSessions would remove, and removes nothing.
func Prunable(ctx context.Context, g *fleet.Gateway, l Limits) (gone store.Removed, err error) {
	keep, err := l.retention()
	if err != nil {
		return gone, err
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	err = read(ctx, g, func(db *store.Reader) (err error) {
		gone, err = db.Prunable(ctx, keep, time.Now())
		return err
	})
	return gone, err
}

// PruneSessions removes old sessions, and old messages of the others. It returns what is gone, also with an error.
func (a *Actions) PruneSessions(ctx context.Context, v access.Visitor, g *fleet.Gateway, l Limits) (gone store.Removed, o Outcome) {
	keep, err := l.retention()
	if err != nil {
		return gone, Outcome{Err: err}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
	defer cancel()
	err = edit(ctx, g, func(db *store.Editor) (err error) {
		gone, err = db.Prune(ctx, keep, time.Now())
		return err
	})
	a.journals.Record(v, "prune sessions", g.Profile.String(), fmt.Sprintf("older than %s, messages kept %s: %d sessions, %d messages",
		cmp.Or(l.OlderThan, "-"), cmp.Or(l.Messages, "-"), gone.Sessions, gone.Messages), err)
	if err != nil {
		return gone, Outcome{Err: err}
	}
	return gone, Outcome{Text: RemovedText(gone) + " deleted"}
}

// RemovedText says how much is removed. A verb is to follow.
func RemovedText(gone store.Removed) string {
	return fmt.Sprintf("%s, and %s in all,", count(int64(gone.Sessions), "whole session"), count(gone.Messages, "message"))
}

// count says how many there are of something.
func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
