package cli

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/store"
)

// sessionInfo is what programs are shown of a session.
type sessionInfo struct {
	store.Session
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

// sessionsAtOnce is how many sessions are in memory at a time, however many are shown.
const sessionsAtOnce = 5000

// sessionsListOptions is what `sessions list` is told.
type sessionsListOptions struct {
	app    *app
	number int
	search string
}

func sessionsListCommand(a *app) *cobra.Command {
	o := sessionsListOptions{app: a}
	cmd := &cobra.Command{
		Use:               "list",
		Aliases:           []string{"ls"},
		Short:             "Show a profile's sessions, those that were written to last first",
		Long:              "list shows a profile's sessions, those that were written to last first, with the beginning of what was said first. Times are local.",
		Example:           "  hermes -p coder sessions list\n  hermes sessions list -n 0 --format json\n  hermes sessions list --search invoice",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              o.run,
	}
	cmd.Flags().IntVarP(&o.number, "number", "n", 50, "show at most `N` sessions; 0 for all")
	cmd.Flags().StringVar(&o.search, "search", "", "show those in which somebody said `TEXT`")
	return cmd
}

// run shows the sessions, a piece at a time.
func (o *sessionsListOptions) run(cmd *cobra.Command, _ []string) error {
	a, ctx := o.app, cmd.Context()
	if o.number < 0 {
		return &usageError{fmt.Errorf("invalid -n %d: want a number of sessions, 0 for all", o.number)}
	}
	h, err := a.known()
	if err != nil {
		return err
	}
	show, done := o.asText()
	if a.format == "json" {
		show, done = o.asJSON()
	}
	total, more := 0, false
	err = readSessions(ctx, h, func(db *store.Reader) error {
		for first := true; first || more; first = false {
			limit := sessionsAtOnce
			if o.number > 0 {
				limit = min(limit, o.number-total)
			}
			var list []store.Session
			var err error
			if list, more, err = db.Sessions(ctx, o.search, total, limit); err != nil {
				return err
			}
			if err := show(list); err != nil {
				return err
			}
			if total += len(list); total == o.number {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := done(); err != nil || a.format == "json" {
		return err
	}
	switch {
	case total == 0 && o.search != "":
		fmt.Fprintf(a.Err, "nobody said that to profile '%s'\n", h.Name)
	case total == 0:
		fmt.Fprintf(a.Err, "profile '%s' has no sessions yet\n", h.Name)
	case more:
		fmt.Fprintln(a.Err, "there are more: -n 0 shows all")
	}
	return nil
}

// asText shows sessions as a table. show is called for each piece, and aligns the columns of that piece.
func (o *sessionsListOptions) asText() (show func([]store.Session) error, done func() error) {
	first := true
	show = func(list []store.Session) error {
		w := tabwriter.NewWriter(o.app.Out, 0, 0, 2, ' ', 0)
		if first && len(list) > 0 {
			fmt.Fprintln(w, "SESSION\tMESSAGES\tLAST\tBEGINS WITH")
		}
		first = false
		for _, s := range list {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", firstWords(s.ID, store.MaxSessionID), s.Messages, localTime(s.Updated), firstWords(s.First, 60))
		}
		return w.Flush()
	}
	return show, func() error { return nil }
}

// asJSON shows sessions as one array, each on a line. show is called for each piece, and done ends the array.
func (o *sessionsListOptions) asJSON() (show func([]store.Session) error, done func() error) {
	out := o.app.Out
	between := "[\n"
	show = func(list []store.Session) error {
		for _, s := range list {
			data, err := json.Marshal(sessionInfo{s, s.Created, s.Updated})
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(out, "%s%s", between, data); err != nil {
				return err
			}
			between = ",\n"
		}
		return nil
	}
	return show, func() error {
		if between == "[\n" {
			_, err := fmt.Fprintln(out, "[]")
			return err
		}
		_, err := fmt.Fprintln(out, "\n]")
		return err
	}
}
