package cli

import (
	"context"
	"log/slog"
	"os"

	"hermes/internal/dashboard/access"
	"hermes/internal/fleet"
	"hermes/internal/live"
	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/service/local"
)

// upTable is the live table of `hermes up`; nil where there is none.
type upTable struct {
	screen  *live.Screen
	hint    string // beside the title
	notices chan string
}

// openTable takes the terminal over, if there is one and nobody asked for lines.
func (a *app) openTable(f upFlags) *upTable {
	in, ok := a.In.(*os.File)
	out, isFile := a.raw.Out.(*os.File)
	if !ok || !isFile || f.plain || f.detached || f.init || a.format != "text" || a.getenv("TERM") == "dumb" {
		return nil
	}
	s, err := live.Open(in, out)
	if err != nil {
		return nil // lines will do
	}
	return &upTable{screen: s, notices: make(chan string, 16)}
}

func (t *upTable) close() {
	if t != nil {
		t.screen.Close()
	}
}

// run shows the table until stop is called.
func (t *upTable) run(a *app, s *local.Supervisor, store *profile.Store, home string) (stop func()) {
	if t == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	l := operate.Lifecycle{Manager: s, Store: store}
	go func() {
		defer close(over)
		t.screen.Run(ctx, live.Options{
			Title: "hermes up  " + home + t.hint, Color: a.getenv("NO_COLOR") == "", Root: store.Root(), Zone: a.zone(), News: s.News, Notices: t.notices,
			Interrupt: interruptSelf,
			Rows: func(ctx context.Context) []fleet.View {
				views, _, err := fleet.LookAll(ctx, s, store, false)
				if err != nil {
					t.notice(err.Error())
				}
				return views
			},
			Act: l.Act,
		})
	}()
	return func() { cancel(); <-over }
}

// notice shows a line at the foot of the table. One of many that come at once is enough.
func (t *upTable) notice(text string) {
	select {
	case t.notices <- text:
	default:
	}
}

// noticing is a log whose warnings somebody sees, too.
type noticing struct {
	slog.Handler
	notices chan<- string
}

// Handle logs a record.
func (n noticing) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		text := r.Message
		r.Attrs(func(at slog.Attr) bool {
			text += " " + at.Key + "=" + at.Value.String()
			return true
		})
		select {
		case n.notices <- text:
		default:
		}
	}
	return n.Handler.Handle(ctx, r)
}

// tableHint says in the title of the table how to get to the dashboard: a link would not fit beside everything else.
func (a *app) tableHint() string {
	config, err := access.FromEnv(a.getenv)
	if err != nil || config.Protected() {
		return ""
	}
	return "  (dashboard: hermes dashboard link)"
}
