package backend

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"hermes/internal/localtime"
	"hermes/internal/logs"
	"hermes/internal/profile"
)

const (
	// logLines is how many lines Tail returns at most.
	logLines = 300
	// searched is how many lines back a search goes.
	searched = 20000
)

// levels are the levels of slog's text format, the least first.
var levels = [...]string{"DEBUG", "INFO", "WARN", "ERROR"}

// Levels returns the levels that a line can have, the least first.
func Levels() []string { return levels[:] }

// LogQuery says which lines of a log are shown.
type LogQuery struct {
	Text  string // what they contain, in lower case; "" for all
	Level string // the least; "" for all
}

// ParseLogQuery reads the query of an address.
func ParseLogQuery(v url.Values) LogQuery {
	q := LogQuery{Text: strings.ToLower(strings.TrimSpace(v.Get("q"))), Level: v.Get("level")}
	if len(q.Text) > 200 {
		q.Text = q.Text[:200]
	}
	if rank(q.Level) < 0 {
		q.Level = ""
	}
	return q
}

// Values returns what ParseLogQuery reads.
func (q LogQuery) Values() url.Values {
	v := url.Values{}
	if q.Text != "" {
		v.Set("q", q.Text)
	}
	if q.Level != "" {
		v.Set("level", q.Level)
	}
	return v
}

// Matches reports whether a line is shown.
func (q LogQuery) Matches(l logs.Line) bool {
	return (q.Level == "" || rank(LevelOf(l.Text)) >= rank(q.Level)) && (q.Text == "" || strings.Contains(strings.ToLower(l.Text), q.Text))
}

// rank returns the place of a level among all; -1 for what is none.
func rank(level string) int { return slices.Index(levels[:], level) }

// LevelOf returns the level of a line: that which it names, as in level=WARN, ERROR if it begins with the mark of a command's error, else
// INFO.
func LevelOf(text string) string {
	if strings.HasPrefix(text, "✗") {
		return "ERROR"
	}
	if _, rest, ok := strings.Cut(text, "level="); ok {
		word, _, _ := strings.Cut(rest, " ")
		word, _, _ = strings.Cut(word, "+")
		if rank(word) >= 0 {
			return word
		}
	}
	return "INFO"
}

// Logs reads the logs of gateways.
type Logs struct {
	store  *profile.Store
	getenv func(string) string
}

// place says where a gateway's log is.
func (s Logs) place(n profile.Name) logs.Place {
	return logs.Place{Root: s.store.Root(), Profile: n, Zone: localtime.Zone(s.getenv("TZ"))}
}

// Tail returns the last lines that match. A gateway that never ran has none.
func (s Logs) Tail(n profile.Name, q LogQuery) ([]logs.Line, error) {
	last := logLines
	if q != (LogQuery{}) {
		last = searched
	}
	var lines []logs.Line
	err := logs.Read(s.place(n), logs.Query{Last: last}, func(some []logs.Line) error {
		for _, l := range some {
			if q.Matches(l) {
				lines = append(lines, l)
			}
		}
		return nil
	}, func(profile.Name, error) {})
	if errors.Is(err, logs.ErrNone) {
		err = nil
	}
	return lines[max(0, len(lines)-logLines):], err
}

// Follow calls each with the lines that a log gets from now on, until ctx ends or each returns an error. It calls begun once it
// watches the log: a line that is written after that call is not missed.
func (s Logs) Follow(ctx context.Context, n profile.Name, begun func(), each func([]logs.Line) error) error {
	return logs.Follow(ctx, s.place(n), logs.Query{Last: 0, Begun: begun}, each, func(profile.Name, error) {}, func() {})
}
