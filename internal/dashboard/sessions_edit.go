package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"hermes/internal/dashboard/access"
	"hermes/internal/fleet"
	"hermes/internal/profile/config"
	"hermes/internal/store"
)

// removeWithin bounds how long sessions are removed for one request. What is left the next one removes.
const removeWithin = 10 * time.Minute

// editStore changes a profile's database. One that is not there yet has no sessions.
func editStore(ctx context.Context, g *fleet.Gateway, edit func(*store.Editor) error) error {
	db, err := store.OpenEditor(ctx, store.Find(ctx, g.Home.Database(), g.Home.FormerDatabase()))
	if store.Missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(edit(db), db.Close())
}

// deleteSession serves the form that deletes a session.
func (s *site) deleteSession(w http.ResponseWriter, r *http.Request) {
	g, ok := s.shown(w, r)
	if !ok {
		return
	}
	session := r.FormValue("session")
	s.answer(w, r, s.forget(r.Context(), s.visitor(r), g, session), sessionPath(g.Profile.String(), session))
}

func (s *site) forget(ctx context.Context, v access.Visitor, g *fleet.Gateway, session string) outcome {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
	defer cancel()
	var gone store.Removed
	err := editStore(ctx, g, func(db *store.Editor) (err error) {
		gone, err = db.Delete(ctx, session)
		return err
	})
	if err == nil && gone.Sessions == 0 {
		err = &store.NoSessionError{ID: session}
	}
	s.record(v, "delete session", g.Profile.String(), session, err)
	if err != nil {
		return outcome{Err: err}
	}
	return outcome{Text: fmt.Sprintf("the session is deleted, with %s", count(gone.Messages, "message")), Next: profilePath(g.Profile) + "/sessions"}
}

// pruneView is what the page shows that removes old sessions.
type pruneView struct {
	Name string
	// OlderThan and Keep are what was asked, as it was written.
	OlderThan, Keep string
	// Config is what the profile's configuration keeps.
	Config  config.Sessions
	Counted bool
	Would   store.Removed
	Err     error
}

// retentionOf reads which sessions are to be removed. Empty texts are no limit; without any there is nothing to do.
func retentionOf(olderThan, messages string) (keep store.Retention, err error) {
	if olderThan != "" {
		if keep.MaxAge, err = config.ParseAge(olderThan); err != nil {
			return keep, &pruneError{"older than: " + err.Error()}
		}
	}
	if messages != "" {
		if keep.MaxMessages, err = strconv.Atoi(messages); err != nil || keep.MaxMessages < 1 {
			return store.Retention{}, &pruneError{"messages to keep: want a number from 1"}
		}
	}
	if !keep.On() {
		return keep, &pruneError{"say which: older than a time like 90d, or all but the last messages"}
	}
	return keep, nil
}

// pruneError is about what a visitor asked to be removed.
type pruneError struct{ msg string }

func (e *pruneError) Error() string { return e.msg }

// prunePage shows how much would be removed, before it is.
func (s *site) prunePage(w http.ResponseWriter, r *http.Request) {
	g, ok := s.shown(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	v := pruneView{Name: g.Profile.String(), OlderThan: q.Get("older_than"), Keep: q.Get("keep_messages")}
	c, err := config.Load(g.Home)
	if v.Config, v.Err = c.Sessions, err; err == nil && (q.Has("older_than") || q.Has("keep_messages")) {
		v.Would, v.Err = s.prunable(r.Context(), g, v.OlderThan, v.Keep)
		v.Counted = v.Err == nil
	}
	s.render(w, r, http.StatusOK, prunePage(s.frame(r, v.Name+": remove old sessions", "gateways"), v))
}

func (s *site) prunable(ctx context.Context, g *fleet.Gateway, olderThan, messages string) (gone store.Removed, err error) {
	keep, err := retentionOf(olderThan, messages)
	if err != nil {
		return gone, err
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	err = readStore(ctx, g, func(db *store.Reader) (err error) {
		gone, err = db.Prunable(ctx, keep, time.Now())
		return err
	})
	return gone, err
}

// pruneSessions serves the form of that page.
func (s *site) pruneSessions(w http.ResponseWriter, r *http.Request) {
	g, ok := s.shown(w, r)
	if !ok {
		return
	}
	olderThan, messages := r.FormValue("older_than"), r.FormValue("keep_messages")
	_, o := s.prune(r.Context(), s.visitor(r), g, olderThan, messages)
	s.answer(w, r, o, profilePath(g.Profile)+"/prune?"+url.Values{"older_than": {olderThan}, "keep_messages": {messages}}.Encode())
}

func (s *site) prune(ctx context.Context, v access.Visitor, g *fleet.Gateway, olderThan, messages string) (gone store.Removed, o outcome) {
	keep, err := retentionOf(olderThan, messages)
	if err != nil {
		return gone, outcome{Err: err}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
	defer cancel()
	err = editStore(ctx, g, func(db *store.Editor) (err error) {
		gone, err = db.Prune(ctx, keep, time.Now())
		return err
	})
	s.record(v, "prune sessions", g.Profile.String(), fmt.Sprintf("older than %s, messages kept %s: %d sessions, %d messages",
		cmp.Or(olderThan, "-"), cmp.Or(messages, "-"), gone.Sessions, gone.Messages), err)
	if err != nil {
		return gone, outcome{Err: err}
	}
	return gone, outcome{Text: removedText(gone) + " deleted", Next: profilePath(g.Profile) + "/sessions"}
}

func removedText(gone store.Removed) string {
	return fmt.Sprintf("%s, and %s in all,", count(int64(gone.Sessions), "whole session"), count(gone.Messages, "message"))
}

// count says how many there are of something.
func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
