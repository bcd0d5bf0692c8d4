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

// sessionsShowOptions is what `sessions show` is told.
type sessionsShowOptions struct {
	app  *app
	last int
}

func sessionsShowCommand(a *app) *cobra.Command {
	o := sessionsShowOptions{app: a}
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
		RunE: o.run,
	}
	cmd.Flags().IntVarP(&o.last, "number", "n", 0, "print the last `N` messages; 0 for all")
	return cmd
}

// run prints the session that the argument names.
func (o *sessionsShowOptions) run(cmd *cobra.Command, args []string) error {
	if o.last < 0 {
		return &usageError{fmt.Errorf("invalid -n %d: want a number of messages, 0 for all", o.last)}
	}
	h, err := o.app.known()
	if err != nil {
		return err
	}
	found := false
	err = readSessions(cmd.Context(), h, func(db *store.Reader) error {
		found, err = o.show(cmd.Context(), db, args[0])
		return err
	})
	if err == nil && !found {
		err = &store.NoSessionError{ID: args[0]}
	}
	return err
}

// show prints a session piece by piece, so that a long one is never in memory as a whole. found is false if there is no such session.
func (o *sessionsShowOptions) show(ctx context.Context, db *store.Reader, id string) (found bool, err error) {
	after := int64(0)
	if o.last > 0 {
		if after, err = db.LastOf(ctx, id, o.last); err != nil {
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
			if err := o.message(id, m, !found); err != nil {
				return found, err
			}
			found = true
		}
		after = next
	}
	if found && o.app.format == "json" {
		_, err = fmt.Fprintln(o.app.Out, "\n]}")
	}
	return found, err
}

// message prints a message. With --format json the first one begins the object that holds them all.
func (o *sessionsShowOptions) message(session string, m store.Message, first bool) error {
	a := o.app
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
