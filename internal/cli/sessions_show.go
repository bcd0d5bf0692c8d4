package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/store"
)

// messageInfo is what programs are shown of a message.
type messageInfo struct {
	Role        string    `json:"role"`
	Content     string    `json:"content"`
	Interrupted bool      `json:"interrupted"`
	Created     time.Time `json:"created"`
}

func (a *app) sessionsShowCommand() *cobra.Command {
	var last int
	cmd := &cobra.Command{
		Use:     "show SESSION",
		Short:   "Print what was said in a session",
		Long:    "show prints what was said in a session, the oldest first. Times are local.",
		Example: "  hermes -p coder sessions show dashboard-4k2vq7\n  hermes sessions show user:42 -n 20\n  hermes sessions show user:42 --format json >user-42.json",
		Args:    words(1, "SESSION"),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.completeSessions(cmd, args, prefix)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if last < 0 {
				return &usageError{fmt.Errorf("invalid -n %d: want a number of messages, 0 for all", last)}
			}
			h, err := a.known()
			if err != nil {
				return err
			}
			found := false
			err = readSessions(cmd.Context(), h, func(db *store.Reader) error {
				found, err = a.showSession(cmd.Context(), db, args[0], last)
				return err
			})
			if err == nil && !found {
				err = &store.NoSessionError{ID: args[0]}
			}
			return err
		},
	}
	cmd.Flags().IntVarP(&last, "number", "n", 0, "print the last `N` messages; 0 for all")
	return cmd
}

// showSession prints a session piece by piece, however long it is. found is false if there is none.
func (a *app) showSession(ctx context.Context, db *store.Reader, id string, last int) (found bool, err error) {
	after := int64(0)
	if last > 0 {
		if after, err = db.LastOf(ctx, id, last); err != nil {
			return false, err
		}
	}
	for {
		list, next, err := db.After(ctx, id, after)
		if err != nil {
			return found, err
		}
		if len(list) == 0 {
			break
		}
		for _, m := range list {
			if err := a.showMessage(id, m, !found); err != nil {
				return found, err
			}
			found = true
		}
		after = next
	}
	if found && a.format == "json" {
		_, err = fmt.Fprintln(a.Out, "\n]}")
	}
	return found, err
}

func (a *app) showMessage(session string, m store.Message, first bool) error {
	if a.format != "json" {
		broken := ""
		if m.Interrupted {
			broken = ", broken off"
		}
		if !first {
			fmt.Fprintln(a.Out)
		}
		_, err := fmt.Fprintf(a.Out, "%s, %s%s:\n%s\n", m.Role, localTime(m.Created), broken, m.Content)
		return err
	}
	begin := ",\n"
	if first {
		name, err := json.Marshal(session)
		if err != nil {
			return err
		}
		begin = fmt.Sprintf("{\"session\": %s, \"messages\": [\n", name)
	}
	data, err := json.Marshal(messageInfo{m.Role, m.Content, m.Interrupted, m.Created})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "%s%s", begin, data)
	return err
}
