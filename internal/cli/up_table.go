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

// upTable is the live table of `hermes up`. It is nil if there is none, and its methods then do nothing.
type upTable struct {
	screen  *live.Screen
	hint    string      // is shown beside the title
	notices chan string // lines that are shown below the table
}

// openTable takes the terminal over and returns the table. It returns nil if there is no terminal, or if lines were asked for.
func (o *upOptions) openTable() *upTable {
	a := o.app
	in, ok := a.In.(*os.File)
	out, isFile := a.raw.Out.(*os.File)
	if !ok || !isFile || o.plain || o.detached || o.init || a.format != "text" || a.getenv("TERM") == "dumb" {
		return nil
	}
	s, err := live.Open(in, out)
	if err != nil {
		return nil // without the table the log is printed
	}
	return &upTable{screen: s, notices: make(chan string, 16)}
}

// close gives the terminal back.
func (t *upTable) close() {
	if t != nil {
		t.screen.Close()
	}
}

// run shows the table until stop is called. stop returns once nothing more is drawn.
func (t *upTable) run(a *app, s *local.Supervisor, profiles *profile.Store, home string) (stop func()) {
	if t == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	l := operate.Lifecycle{Manager: s, Store: profiles}
	go func() {
		defer close(over)
		t.screen.Run(ctx, live.Options{
			Title: "hermes up  " + home + t.hint, Color: a.getenv("NO_COLOR") == "", Root: profiles.Root(), Zone: a.zone(), News: s.News, Notices: t.notices,
			Interrupt: interruptSelf,
			Rows: func(ctx context.Context) []fleet.View {
				views, _, err := fleet.LookAll(ctx, s, profiles, false)
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

// notice shows a line below the table. If more lines come than the table takes, the line is dropped.
func (t *upTable) notice(text string) {
	select {
	case t.notices <- text:
	default:
	}
}

// noticing is a log whose warnings are shown below the table, too.
type noticing struct {
	slog.Handler
	notices chan<- string
}

// Handle logs a record, and shows it if it is a warning or worse.
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

// tableHint says how to get to the dashboard, in the title of the table. It does not show the link itself, which would not fit.
func (o *upOptions) tableHint() string {
	accessOptions, err := access.FromEnv(o.app.getenv)
	if err != nil || accessOptions.Protected() {
		return ""
	}
	return "  (dashboard: hermes dashboard link)"
}
