package local

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"hermes/internal/service"
)

var events = []event{toStart, toStop, toRestart, toClose, due, gotReady, ended, startAgain, startLater, stayDown}

// walk is the same table, written independently, with the events in order; "-" means that the event cannot happen or is refused.
const walk = `
down          | queued      | down          | queued      | closed        | -        | -          | -        | -      | -       | -
queued        | queued      | down          | queued      | closed        | starting | -          | -        | -      | -       | -
again         | queued      | down          | queued      | closed        | starting | -          | -        | -      | -       | -
backoff       | queued      | down          | queued      | closed        | starting | -          | -        | -      | -       | -
closed        | -           | closed        | -           | closed        | -        | -          | -        | -      | -       | -
starting      | starting    | stopping      | restarting  | closing       | -        | serving    | deciding | -      | -       | -
serving       | serving     | stopping      | restarting  | closing       | -        | -          | deciding | -      | -       | -
stopping      | restarting  | stopping      | restarting  | closing       | -        | stopping   | down     | -      | -       | -
restarting    | restarting  | stopping      | restarting  | closing       | -        | restarting | queued   | -      | -       | -
closing       | -           | closing       | -           | closing       | -        | closing    | closed   | -      | -       | -
deciding      | deciding up | deciding down | deciding up | deciding last | -        | -          | -        | again  | backoff | down
deciding up   | deciding up | deciding down | deciding up | deciding last | -        | -          | -        | queued | queued  | queued
deciding down | deciding up | deciding down | deciding up | deciding last | -        | -          | -        | down   | down    | down
deciding last | -           | deciding last | -           | deciding last | -        | -          | -        | closed | closed  | closed
`

func testUnit(t *testing.T, log io.Writer) *unit {
	t.Helper()
	s := New(Options{Home: t.TempDir(), Log: slog.New(slog.NewTextHandler(log, nil))})
	return newUnit(s, service.Spec{ID: service.Dashboard()})
}

func TestEveryTransitionOfAUnit(t *testing.T) {
	states := 0
	for line := range strings.Lines(strings.TrimSpace(walk)) {
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		states++
		for i, e := range events {
			from, want := state(cells[0]), state(cells[i+1])
			var log strings.Builder
			u := testUnit(t, &log)
			u.state = from
			u.to(e)
			refused := strings.Contains(log.String(), "this cannot happen")
			switch {
			case want == "-" && (u.state != from || !refused):
				t.Errorf("%s, %s: it goes to %q, and is refused: %t", from, e, u.state, refused)
			case want != "-" && (u.state != want || refused):
				t.Errorf("%s, %s: it goes to %q, want %q; refused: %t", from, e, u.state, want, refused)
			}
		}
	}
	if n := len(transitions()); n != states {
		t.Errorf("%d states, and the walk has %d", n, states)
	}
}

// TestOrdersHoldInEveryState checks what must be true for any table.
func TestOrdersHoldInEveryState(t *testing.T) {
	table := transitions()
	seen := map[state]bool{down: true}
	for todo := []state{down}; len(todo) > 0; todo = todo[1:] {
		for _, next := range table[todo[0]] {
			if !seen[next] {
				seen[next] = true
				todo = append(todo, next)
			}
		}
	}
	for from, row := range table {
		if !seen[from] {
			t.Errorf("nothing leads to %s", from)
		}
		if next, ok := row[toStop]; !ok || next.wanted() {
			t.Errorf("%s, told to stop: %q", from, next)
		}
		if next, ok := row[toClose]; !ok || !next.last() {
			t.Errorf("%s, closed: %q", from, next)
		}
		for _, e := range []event{toStart, toRestart} {
			if next, ok := row[e]; ok == from.last() || ok && !next.wanted() {
				t.Errorf("%s, told to %s: %q", from, e, next)
			}
		}
		for e, next := range row {
			if from.last() && !next.last() {
				t.Errorf("%s, %s: %s comes back", from, e, next)
			}
			if order := slices.Contains([]event{toStart, toStop, toRestart, toClose}, e); order && from.busy() != next.busy() {
				t.Errorf("%s, %s: %s: an order ends no run, and begins none", from, e, next)
			}
		}
		if _, ok := row[due]; ok != from.waits() {
			t.Errorf("%s begins a run: %t", from, ok)
		}
		if _, ok := row[ended]; ok != from.runs() {
			t.Errorf("a run ends in %s: %t", from, ok)
		}
		if _, ok := row[stayDown]; ok != from.decides() {
			t.Errorf("%s decides: %t", from, ok)
		}
	}
}

// TestAnOrderWhileItIsDecided: the order wins, whatever the unit decides.
func TestAnOrderWhileItIsDecided(t *testing.T) {
	for _, tt := range []struct {
		code  int
		order event
		want  state
	}{
		{1, "", again}, {75, "", again}, {0, "", down}, {78, "", down}, // no order is given
		{1, toStop, down}, {78, toStart, queued}, {1, toStart, queued}, {1, toClose, closed},
	} {
		u := testUnit(t, io.Discard)
		u.state, u.run, u.since = serving, 1, time.Now().Add(time.Hour) // so that the one second before the next start is not over
		given := false
		u.s.o.Log = slog.New(ordering{func(message string) {
			if message == "ended" && tt.order != "" && !given {
				given = true
				u.mu.Lock()
				u.order(tt.order)
				u.mu.Unlock()
			}
		}})
		u.ended(exit{code: tt.code})
		if st := u.status(); u.state != tt.want || st.WantUp != tt.want.wanted() || st.Backoff {
			t.Errorf("code %d, %q meanwhile: %s, %+v", tt.code, tt.order, u.state, st)
		}
		if later := u.earliest.After(time.Now()); later != (tt.want == again) {
			t.Errorf("code %d, %q meanwhile: it waits: %t", tt.code, tt.order, later)
		}
	}
}

// ordering is a log handler that calls a function for each message.
type ordering struct{ said func(string) }

func (o ordering) Enabled(context.Context, slog.Level) bool { return true }
func (o ordering) WithAttrs([]slog.Attr) slog.Handler       { return o }
func (o ordering) WithGroup(string) slog.Handler            { return o }
func (o ordering) Handle(_ context.Context, r slog.Record) error {
	o.said(r.Message)
	return nil
}
