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

// sessionsAtOnce is how many sessions are held at a time, of however many there are.
const sessionsAtOnce = 5000

func (a *app) sessionsListCommand() *cobra.Command {
	var number int
	var search string
	cmd := &cobra.Command{
		Use:               "list",
		Aliases:           []string{"ls"},
		Short:             "Show a profile's sessions, those that were written to last first",
		Long:              "list shows a profile's sessions, those that were written to last first, with the beginning of what was said first. Times are local.",
		Example:           "  hermes -p coder sessions list\n  hermes sessions list -n 0 --format json\n  hermes sessions list --search invoice",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if number < 0 {
				return &usageError{fmt.Errorf("invalid -n %d: want a number of sessions, 0 for all", number)}
			}
			h, err := a.known()
			if err != nil {
				return err
			}
			show, done := a.sessionsText()
			if a.format == "json" {
				show, done = a.sessionsJSON()
			}
			total, more := 0, false
			err = readSessions(cmd.Context(), h, func(db *store.Reader) error {
				for first := true; first || more; first = false {
					limit := sessionsAtOnce
					if number > 0 {
						limit = min(limit, number-total)
					}
					var list []store.Session
					var err error
					if list, more, err = db.Sessions(cmd.Context(), search, total, limit); err != nil {
						return err
					}
					if err := show(list); err != nil {
						return err
					}
					if total += len(list); total == number {
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
			case total == 0 && search != "":
				fmt.Fprintf(a.Err, "nobody said that to profile '%s'\n", h.Name)
			case total == 0:
				fmt.Fprintf(a.Err, "profile '%s' has no sessions yet\n", h.Name)
			case more:
				fmt.Fprintln(a.Err, "there are more: -n 0 shows all")
			}
			return nil
		},
	}
	cmd.Flags().IntVarP(&number, "number", "n", 50, "show at most `N` sessions; 0 for all")
	cmd.Flags().StringVar(&search, "search", "", "show those in which somebody said `TEXT`")
	return cmd
}

// sessionsText shows sessions as a table, whose columns are aligned piece by piece.
func (a *app) sessionsText() (show func([]store.Session) error, done func() error) {
	first := true
	show = func(list []store.Session) error {
		w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
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

// sessionsJSON shows sessions as one array, a line each.
func (a *app) sessionsJSON() (show func([]store.Session) error, done func() error) {
	between := "[\n"
	show = func(list []store.Session) error {
		for _, s := range list {
			data, err := json.Marshal(sessionInfo{s, s.Created, s.Updated})
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(a.Out, "%s%s", between, data); err != nil {
				return err
			}
			between = ",\n"
		}
		return nil
	}
	return show, func() error {
		if between == "[\n" {
			_, err := fmt.Fprintln(a.Out, "[]")
			return err
		}
		_, err := fmt.Fprintln(a.Out, "\n]")
		return err
	}
}
