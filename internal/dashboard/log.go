package dashboard

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hermes/internal/localtime"
	"hermes/internal/logs"
	"hermes/internal/profile"
)

const (
	// logLines is how many lines the log page begins with.
	logLines = 300
	// searched is how far back a search goes, in lines.
	searched = 20000
	// batchEvery bounds how often a log's stream sends: lines that come close together go together.
	batchEvery = 100 * time.Millisecond
	// batchLines bounds how much of it is sent at once. Who writes faster than anybody can read is cut.
	batchLines = 1000
)

// levels are the levels of slog's text format, the least first.
var levels = []string{"DEBUG", "INFO", "WARN", "ERROR"}

// logQuery says which lines are shown.
type logQuery struct {
	Text  string
	Level string // the least; "" for all
}

func parseLogQuery(v url.Values) logQuery {
	q := logQuery{Text: strings.ToLower(strings.TrimSpace(v.Get("q"))), Level: v.Get("level")}
	if len(q.Text) > 200 {
		q.Text = q.Text[:200]
	}
	if rank(q.Level) < 0 {
		q.Level = ""
	}
	return q
}

func (q logQuery) values() url.Values {
	v := url.Values{}
	if q.Text != "" {
		v.Set("q", q.Text)
	}
	if q.Level != "" {
		v.Set("level", q.Level)
	}
	return v
}

func rank(level string) int {
	for i, l := range levels {
		if l == level {
			return i
		}
	}
	return -1
}

// level returns the level of a line, as far as it says: `level=WARN`, or the mark that errors of commands begin with.
func level(text string) string {
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

func (q logQuery) matches(l logs.Line) bool {
	return (q.Level == "" || rank(level(l.Text)) >= rank(q.Level)) && (q.Text == "" || strings.Contains(strings.ToLower(l.Text), q.Text))
}

// logPage shows a gateway's log, and goes on with what comes.
func (s *site) logPage(w http.ResponseWriter, r *http.Request) {
	g, ok := s.shown(w, r)
	if !ok {
		return
	}
	q := parseLogQuery(r.URL.Query())
	lines, err := s.logTail(g.Profile, q)
	s.render(w, r, http.StatusOK, logView(s.frame(r, g.Profile.String()+": log", "gateways"), g.Profile.String(), q, lines, err))
}

// logPlace says where a gateway's log is.
func (s *site) logPlace(n profile.Name) logs.Place {
	return logs.Place{Root: s.o.Store.Root(), Profile: n, Zone: localtime.Zone(s.o.Getenv("TZ"))}
}

// logTail returns the last lines that a query asks for. A gateway that never ran has none.
func (s *site) logTail(n profile.Name, q logQuery) ([]logs.Line, error) {
	last := logLines
	if q != (logQuery{}) {
		last = searched
	}
	var lines []logs.Line
	err := logs.Read(s.logPlace(n), logs.Query{Last: last}, func(some []logs.Line) error {
		for _, l := range some {
			if q.matches(l) {
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

// logEvents sends a log: first what the page shows, in case it is a while since, then each new line.
func (s *site) logEvents(w http.ResponseWriter, r *http.Request) {
	n, ok := s.named(w, r)
	if !ok {
		return
	}
	s.followLog(w, r, n, func(ctx context.Context, out *stream, first bool, lines []logs.Line) error {
		var b bytes.Buffer
		if err := render(ctx, &b, logRows(lines)); err != nil {
			return err
		}
		event := "line"
		if first {
			event = "log"
		}
		return out.send(event, b.Bytes())
	})
}

// sendLines sends lines of a log; first says that they are what there is at the beginning.
type sendLines func(ctx context.Context, out *stream, first bool, lines []logs.Line) error

// followLog sends a log until the visitor is gone.
func (s *site) followLog(w http.ResponseWriter, r *http.Request, n profile.Name, send sendLines) {
	q := parseLogQuery(r.URL.Query())
	ctx, stop := context.WithCancel(r.Context())
	fresh := make(chan []logs.Line)
	ended := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		ended <- logs.Follow(ctx, s.logPlace(n), logs.Query{Last: 0, Begun: func() { close(begun) }}, func(some []logs.Line) error {
			select {
			case fresh <- some:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}, func(profile.Name, error) {}, func() {})
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			s.log.Warn("cannot follow a log", "profile", n, "error", err)
		}
	}()
	// What is there is read when what comes is watched for: in between nothing is lost, and what is in both is sent once.
	select {
	case <-begun:
	case err := <-ended:
		ended <- err
	case <-ctx.Done():
	}
	s.streamEnded(r, s.sendLog(ctx, startStream(w), n, q, fresh, send))
}

func (s *site) sendLog(ctx context.Context, out *stream, n profile.Name, q logQuery, fresh <-chan []logs.Line, send sendLines) error {
	lines, err := s.logTail(n, q)
	if err != nil {
		return err
	}
	sent := make(map[string]bool, len(lines))
	for _, l := range lines {
		sent[l.Raw()] = true
	}
	quiet := time.NewTicker(quietest)
	defer quiet.Stop()
	for first := true; ; {
		if first || len(lines) > 0 {
			if err := send(ctx, out, first, lines); err != nil {
				return err
			}
			first, lines = false, lines[:0]
			if !sleep(ctx, batchEvery) {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.closing:
			return nil
		case <-quiet.C:
			if err := out.idle(); err != nil {
				return err
			}
		case some := <-fresh:
			for _, l := range some[max(0, len(some)-batchLines):] {
				if q.matches(l) && !sent[l.Raw()] {
					lines = append(lines, l)
					sent = nil // those that are in both come first
				}
			}
		}
	}
}

// sleep reports whether the time went by before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
