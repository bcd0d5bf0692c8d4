package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"hermes/internal/store"
)

// sessionsDeleteOptions is what `sessions delete` is told.
type sessionsDeleteOptions struct {
	app *app
	yes bool
}

func sessionsDeleteCommand(a *app) *cobra.Command {
	o := sessionsDeleteOptions{app: a}
	cmd := &cobra.Command{
		Use:     "delete SESSION...",
		Aliases: []string{"rm"},
		Short:   "Delete sessions with everything that was said in them",
		Long: `delete removes sessions with everything that was said in them; what was said is overwritten in the database's file. On a terminal
it asks; anywhere else it needs --yes. If one of the sessions is not there nothing is deleted. If it is interrupted, type it again.`,
		Example: `  hermes -p coder sessions delete dashboard-4k2vq7
  hermes sessions show user:42 --format json >user-42.json && hermes sessions delete user:42 --yes`,
		Args: func(cmd *cobra.Command, args []string) error {
			return words(1, "SESSION")(cmd, args[:min(len(args), 1)])
		},
		ValidArgsFunction: a.completeSessions,
		RunE:              o.run,
	}
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	return cmd
}

// run deletes the sessions that the arguments name.
func (o *sessionsDeleteOptions) run(cmd *cobra.Command, ids []string) error {
	a, ctx := o.app, cmd.Context()
	h, err := a.known()
	if err != nil {
		return err
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	db, err := store.OpenEditor(ctx, store.Find(ctx, h.Database(), h.FormerDatabase()))
	if store.Missing(err) {
		return &store.NoSessionError{ID: ids[0]}
	}
	if err != nil {
		return err
	}
	defer db.Close()
	for _, id := range ids {
		if err := db.Known(ctx, id); err != nil {
			return err
		}
	}
	if !o.yes {
		q := question{
			what:   fmt.Sprintf("This deletes %s of profile '%s', with everything that was said.", count(len(ids), "session"), h.Name),
			prompt: "yes", word: "yes",
			refused: fmt.Sprintf("refusing to delete %s without asking", count(len(ids), "session")),
		}
		if err := a.confirm(ctx, q); err != nil {
			return err
		}
	}
	deleted := []string{}
	var messages int64
	for _, id := range ids {
		gone, err := db.Delete(ctx, id)
		if err != nil {
			return err
		}
		deleted, messages = append(deleted, id), messages+gone.Messages
		if a.format != "json" {
			fmt.Fprintf(a.Out, "✓ session '%s' is deleted, with %s\n", firstWords(id, store.MaxSessionID), count(gone.Messages, "message"))
		}
	}
	if a.format == "json" {
		return a.json(map[string]any{"profile": h.Name, "deleted": deleted, "messages": messages})
	}
	return nil
}
