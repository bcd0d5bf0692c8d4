package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"hermes/internal/profile"
	"hermes/internal/store"
)

func (a *app) sessionsDeleteCommand() *cobra.Command {
	var yes bool
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
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.known()
			if err != nil {
				return err
			}
			slices.Sort(args)
			return a.deleteSessions(cmd.Context(), h, slices.Compact(args), yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (a *app) deleteSessions(ctx context.Context, h profile.Home, ids []string, yes bool) error {
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
	if !yes {
		what := fmt.Sprintf("This deletes %s of profile '%s', with everything that was said.", count(len(ids), "session"), h.Name)
		if err := a.confirm(ctx, what, "yes", "delete "+count(len(ids), "session")); err != nil {
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
