package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/store"
)

func sessionsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "sessions",
		Aliases: []string{"session"},
		Short:   "Show and remove what a profile's gateway remembers",
		Long: `A session is a conversation that a profile's gateway remembers under a name. Sessions are kept for ever, unless
sessions.max_age or sessions.max_messages in the profile's config.yaml say otherwise. All of these commands work while the
gateway runs.`,
		Example: `  hermes sessions list
  hermes -p coder sessions show dashboard-4k2vq7
  hermes -p coder sessions prune --older-than 90d --dry-run`,
		SuggestionsMinimumDistance: 2,
		Args:                       cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(sessionsListCommand(a), sessionsShowCommand(a), sessionsDeleteCommand(a), sessionsPruneCommand(a))
	return cmd
}

// readSessions opens the database of a profile and calls read with it. If there is no database yet, read is not called.
func readSessions(ctx context.Context, h profile.Home, read func(*store.Reader) error) error {
	db, err := store.OpenReader(ctx, store.Find(ctx, h.Database(), h.FormerDatabase()))
	if store.Missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer db.Close()
	return read(db)
}

// completeSessions completes the names of sessions. It proposes those that were written to last.
func (a *app) completeSessions(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	h, err := a.known()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var list []cobra.Completion
	ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second) // the shell waits for the answer
	defer cancel()
	err = readSessions(ctx, h, func(db *store.Reader) error {
		found, _, err := db.Sessions(ctx, "", 0, 200)
		for _, s := range found {
			if strings.HasPrefix(s.ID, prefix) && !slices.Contains(args, s.ID) {
				list = append(list, cobra.CompletionWithDesc(s.ID, firstWords(s.First, 40)))
			}
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// firstWords returns at most so many characters of the beginning of a text, on one line.
func firstWords(text string, most int) string {
	r := []rune(strings.Join(strings.Fields(logs.Printable(text)), " "))
	if len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return string(r)
}

// localTime is a time as people are shown it.
func localTime(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// count returns a number of things with their name, as in "1 message" and "2 messages".
func count[N int | int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
