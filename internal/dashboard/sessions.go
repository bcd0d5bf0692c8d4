package dashboard

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"hermes/internal/fleet"
	"hermes/internal/store"
)

const (
	sessionsPerPage = 50
	messagesPerPage = 100
	// usageDays is how far the usage chart goes back.
	usageDays = 30
	// readWithin bounds a look into a profile's database.
	readWithin = 10 * time.Second
)

// sessionsView is what a profile's conversations page shows.
type sessionsView struct {
	Name   string
	Query  string
	List   []store.Session
	Skip   int
	More   bool
	Usage  []store.Day
	Broken []store.Broken
	Err    error
}

// sessions shows a profile's conversations, and how much it was used.
func (s *site) sessions(w http.ResponseWriter, r *http.Request) {
	g, ok := s.shown(w, r)
	if !ok {
		return
	}
	v := s.conversations(r.Context(), g, r.URL.Query())
	s.render(w, r, http.StatusOK, sessionsPage(s.frame(r, v.Name+": sessions", "gateways"), v))
}

func (s *site) conversations(ctx context.Context, g *fleet.Gateway, query url.Values) sessionsView {
	v := sessionsView{Name: g.Profile.String(), Query: query.Get("q")}
	if n, err := strconv.Atoi(query.Get("skip")); err == nil && n > 0 {
		v.Skip = n
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	today := time.Now().UTC().Truncate(24 * time.Hour)
	from := today.AddDate(0, 0, 1-usageDays)
	var used []store.Day
	v.Err = readStore(ctx, g, func(db *store.Reader) (err error) {
		if v.List, v.More, err = db.Sessions(ctx, v.Query, v.Skip, sessionsPerPage); err != nil {
			return err
		}
		if used, err = db.Usage(ctx, from); err != nil {
			return err
		}
		v.Broken, err = db.Interrupted(ctx, 20)
		return err
	})
	v.Usage = everyDay(from, used)
	return v
}

// readStore reads a profile's database. One that is not there yet is empty.
func readStore(ctx context.Context, g *fleet.Gateway, read func(*store.Reader) error) error {
	db, err := store.OpenReader(ctx, store.Find(ctx, g.Home.Database(), g.Home.FormerDatabase()))
	if store.Missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer db.Close()
	return read(db)
}

// everyDay fills in the days on which nothing was said.
func everyDay(from time.Time, used []store.Day) []store.Day {
	by := map[string]store.Day{}
	for _, d := range used {
		by[d.Date] = d
	}
	days := make([]store.Day, usageDays)
	for i := range days {
		date := from.AddDate(0, 0, i).Format(time.DateOnly)
		days[i] = by[date]
		days[i].Date = date
	}
	return days
}

// transcriptView is what the page of one conversation shows.
type transcriptView struct {
	Name, Session string
	Messages      []store.Message
	Earlier       int64
	Err           error
}

// transcript shows one conversation.
func (s *site) transcript(w http.ResponseWriter, r *http.Request) {
	g, ok := s.shown(w, r)
	if !ok {
		return
	}
	v := s.readTranscript(r, g)
	code := http.StatusOK
	if v.Err == nil && len(v.Messages) == 0 {
		code = http.StatusNotFound
	}
	s.render(w, r, code, transcriptPage(s.frame(r, v.Name+": "+v.Session, "gateways"), v))
}

func (s *site) readTranscript(r *http.Request, g *fleet.Gateway) transcriptView {
	v := transcriptView{Name: g.Profile.String(), Session: cmp.Or(r.PathValue("session"), r.URL.Query().Get("id"))}
	before, err := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	if err != nil || before < 0 {
		before = 0
	}
	ctx, cancel := context.WithTimeout(r.Context(), readWithin)
	defer cancel()
	v.Err = readStore(ctx, g, func(db *store.Reader) (err error) {
		v.Messages, v.Earlier, err = db.Transcript(ctx, v.Session, before, messagesPerPage)
		return err
	})
	return v
}
