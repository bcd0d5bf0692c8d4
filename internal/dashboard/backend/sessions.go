package backend

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"hermes/internal/fleet"
	"hermes/internal/store"
)

const (
	// SessionsPerPage is how many sessions ListSessions returns at most, and MessagesPerPage how many messages ReadTranscript returns.
	SessionsPerPage = 50
	MessagesPerPage = 100
	// UsageDays is how far the usage goes back.
	UsageDays = 30
	// brokenShown is how many answers that were broken off are listed.
	brokenShown = 20
	// readWithin is how long a look into a profile's database may take.
	readWithin = 10 * time.Second
)

// SessionQuery says which of a profile's sessions are listed.
type SessionQuery struct {
	Text string // what was said in them; "" lists all
	Skip int    // how many of the latest are left out
}

// ParseSessionQuery reads the query of an address.
func ParseSessionQuery(v url.Values) SessionQuery {
	q := SessionQuery{Text: v.Get("q")}
	if n, err := strconv.Atoi(v.Get("skip")); err == nil && n > 0 {
		q.Skip = n
	}
	return q
}

// SessionList is a part of a profile's sessions, and how much the profile was used.
type SessionList struct {
	List   []store.Session
	More   bool // there are older ones
	Usage  []store.Day
	Broken []store.Broken
}

// ListSessions reads a profile's sessions. With an error the list has every day of the usage nevertheless, with nothing said.
func ListSessions(ctx context.Context, g *fleet.Gateway, q SessionQuery) (SessionList, error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	today := time.Now().UTC().Truncate(24 * time.Hour)
	from := today.AddDate(0, 0, 1-UsageDays)
	var list SessionList
	var used []store.Day
	err := read(ctx, g, func(db *store.Reader) (err error) {
		if list.List, list.More, err = db.Sessions(ctx, q.Text, q.Skip, SessionsPerPage); err != nil {
			return err
		}
		if used, err = db.Usage(ctx, from); err != nil {
			return err
		}
		list.Broken, err = db.Interrupted(ctx, brokenShown)
		return err
	})
	list.Usage = everyDay(from, used)
	return list, err
}

// read opens a profile's database for reading. If there is no database yet, nothing is read, and that is no error.
func read(ctx context.Context, g *fleet.Gateway, read func(*store.Reader) error) error {
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

// everyDay adds the days on which nothing was said.
func everyDay(from time.Time, used []store.Day) []store.Day {
	by := map[string]store.Day{}
	for _, d := range used {
		by[d.Date] = d
	}
	days := make([]store.Day, UsageDays)
	for i := range days {
		date := from.AddDate(0, 0, i).Format(time.DateOnly)
		days[i] = by[date]
		days[i].Date = date
	}
	return days
}

// ReadTranscript reads the last messages of a session, or those before a message, whose number is written in before. What is no number
// from 0 counts as none. earlier is what to give as before to read on; 0 if that is all.
func ReadTranscript(ctx context.Context, g *fleet.Gateway, session, before string) (messages []store.Message, earlier int64, err error) {
	number, err := strconv.ParseInt(before, 10, 64)
	if err != nil || number < 0 {
		number = 0
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	err = read(ctx, g, func(db *store.Reader) (err error) {
		messages, earlier, err = db.Transcript(ctx, session, number, MessagesPerPage)
		return err
	})
	return messages, earlier, err
}
