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

// sessionsPruneOptions is what `sessions prune` is told.
type sessionsPruneOptions struct {
	app          *app
	olderThan    string
	keepMessages int
	dryRun       bool
	yes          bool
}

func sessionsPruneCommand(a *app) *cobra.Command {
	o := sessionsPruneOptions{app: a}
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
		RunE:              o.run,
	}
	cmd.Flags().StringVar(&o.olderThan, "older-than", "", "remove sessions that nobody has written to for this `TIME`: 90d, 12w, 2y")
	cmd.Flags().IntVar(&o.keepMessages, "keep-messages", 0, "keep the last `N` messages of each session")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "remove nothing, and say what would be removed")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	complete(cmd, "older-than", cobra.FixedCompletions([]cobra.Completion{"30d", "90d", "1y"}, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "keep-messages", cobra.NoFileCompletions)
	return cmd
}

// run finds out what would be removed, asks, and removes it.
func (o *sessionsPruneOptions) run(cmd *cobra.Command, _ []string) error {
	a, ctx := o.app, cmd.Context()
	h, err := a.known()
	if err != nil {
		return err
	}
	keep, err := o.retention(cmd, h)
	if err != nil {
		return err
	}
	now := time.Now()
	var gone store.Removed
	err = readSessions(ctx, h, func(db *store.Reader) (err error) {
		gone, err = db.Prunable(ctx, keep, now)
		return err
	})
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%s of profile '%s', and %s in all", count(gone.Sessions, "whole session"), h.Name, count(gone.Messages, "message"))
	if !o.dryRun && gone != (store.Removed{}) {
		if !o.yes {
			q := question{what: "This deletes " + what + ".", prompt: "yes", word: "yes", refused: "refusing to delete " + what + " without asking"}
			if err := a.confirm(ctx, q); err != nil {
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
		return a.json(map[string]any{"profile": h.Name, "sessions": gone.Sessions, "messages": gone.Messages, "dry_run": o.dryRun})
	case o.dryRun:
		_, err = fmt.Fprintf(a.Out, "it would delete %s\n", what)
	default:
		_, err = fmt.Fprintf(a.Out, "✓ deleted: %s\n", what)
	}
	return err
}

// retention returns what is to be kept: what the flags say, or without them what the profile's configuration says.
func (o *sessionsPruneOptions) retention(cmd *cobra.Command, h profile.Home) (keep store.Retention, err error) {
	switch given := cmd.Flags().Changed; {
	case given("keep-messages") && o.keepMessages < 1:
		return keep, &usageError{fmt.Errorf("invalid --keep-messages %d: want 1 or more", o.keepMessages)}
	case given("older-than"):
		if keep.MaxAge, err = config.ParseAge(o.olderThan); err != nil {
			return keep, &usageError{fmt.Errorf("invalid --older-than %q: %w", o.olderThan, err)}
		}
		keep.MaxMessages = o.keepMessages
	case given("keep-messages"):
		keep.MaxMessages = o.keepMessages
	default:
		return configured(h)
	}
	return keep, nil
}

// configured returns what is kept according to a profile's configuration. A profile that keeps everything is an error.
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

// pruneNow removes what is not to be kept.
func pruneNow(ctx context.Context, h profile.Home, keep store.Retention, now time.Time) (gone store.Removed, err error) {
	db, err := store.OpenEditor(ctx, store.Find(ctx, h.Database(), h.FormerDatabase()))
	if err != nil {
		return gone, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Prune(ctx, keep, now)
}
