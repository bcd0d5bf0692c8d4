package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/store"
)

func (a *app) sessionsPruneCommand() *cobra.Command {
	var yes, dry bool
	var olderThan string
	var keepMessages int
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove sessions that nobody has written to for long, and the beginnings of long ones",
		Long: `prune removes sessions that nobody has written to for a time, or all but the last messages of each session. Without --older-than
and --keep-messages it removes what sessions.max_age and sessions.max_messages in the profile's config.yaml say; its gateway
does the same once a day. On a terminal it asks; anywhere else it needs --yes. --dry-run only says what would be removed.`,
		Example: `  hermes -p coder sessions prune --older-than 90d --dry-run
  hermes -p coder sessions prune --older-than 90d --yes
  hermes sessions prune --keep-messages 1000`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.known()
			if err != nil {
				return err
			}
			var keep store.Retention
			switch given := cmd.Flags().Changed; {
			case given("keep-messages") && keepMessages < 1:
				return &usageError{fmt.Errorf("invalid --keep-messages %d: want 1 or more", keepMessages)}
			case given("older-than"):
				if keep.MaxAge, err = config.ParseAge(olderThan); err != nil {
					return &usageError{fmt.Errorf("invalid --older-than %q: %w", olderThan, err)}
				}
				keep.MaxMessages = keepMessages
			case given("keep-messages"):
				keep.MaxMessages = keepMessages
			default:
				if keep, err = configured(h); err != nil {
					return err
				}
			}
			return a.prune(cmd.Context(), h, keep, dry, yes)
		},
	}
	cmd.Flags().StringVar(&olderThan, "older-than", "", "remove sessions that nobody has written to for this `TIME`: 90d, 12w, 2y")
	cmd.Flags().IntVar(&keepMessages, "keep-messages", 0, "keep the last `N` messages of each session")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "remove nothing, and say what would be removed")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	complete(cmd, "older-than", cobra.FixedCompletions([]cobra.Completion{"30d", "90d", "1y"}, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "keep-messages", cobra.NoFileCompletions)
	return cmd
}

// configured returns what a profile's configuration keeps.
func configured(h profile.Home) (store.Retention, error) {
	c, err := config.Load(h)
	if err != nil {
		return store.Retention{}, err
	}
	keep := store.Retention{MaxAge: c.Sessions.Age(), MaxMessages: c.Sessions.MaxMessages}
	if !keep.On() {
		return keep, &usageError{fmt.Errorf("profile '%s' keeps everything: say what to remove, with --older-than 90d or --keep-messages 1000, or set sessions.max_age in %s",
			h.Name, h.Config())}
	}
	return keep, nil
}

func (a *app) prune(ctx context.Context, h profile.Home, keep store.Retention, dry, yes bool) error {
	now := time.Now()
	var gone store.Removed
	err := readSessions(ctx, h, func(db *store.Reader) (err error) {
		gone, err = db.Prunable(ctx, keep, now)
		return err
	})
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%s of profile '%s', and %s in all", count(gone.Sessions, "whole session"), h.Name, count(gone.Messages, "message"))
	if !dry && gone != (store.Removed{}) {
		if !yes {
			if err := a.confirm(ctx, "This deletes "+what+".", "yes", "delete "+what); err != nil {
				return err
			}
		}
		if gone, err = pruneNow(ctx, h, keep, now); err != nil {
			return err
		}
		what = fmt.Sprintf("%s of profile '%s', and %s in all", count(gone.Sessions, "whole session"), h.Name, count(gone.Messages, "message"))
	}
	switch {
	case a.format == "json":
		return a.json(map[string]any{"profile": h.Name, "sessions": gone.Sessions, "messages": gone.Messages, "dry_run": dry})
	case dry:
		_, err = fmt.Fprintf(a.Out, "it would delete %s\n", what)
	default:
		_, err = fmt.Fprintf(a.Out, "✓ deleted: %s\n", what)
	}
	return err
}

func pruneNow(ctx context.Context, h profile.Home, keep store.Retention, now time.Time) (gone store.Removed, err error) {
	db, err := store.OpenEditor(ctx, store.Find(ctx, h.Database(), h.FormerDatabase()))
	if err != nil {
		return gone, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Prune(ctx, keep, now)
}
