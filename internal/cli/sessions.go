package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/store"
)

func (a *app) sessionsCommand() *cobra.Command {
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
	cmd.AddCommand(a.sessionsListCommand(), a.sessionsShowCommand(), a.sessionsDeleteCommand(), a.sessionsPruneCommand())
	return cmd
}

// known returns the home of the profile that -p chose. Nothing is made.
func (a *app) known() (profile.Home, error) {
	n, err := a.name()
	if err != nil {
		return profile.Home{}, err
	}
	s, err := a.store()
	if err != nil || n.IsDefault() {
		return s.Home(n), err
	}
	h, err := s.Get(n)
	return h, withWayOut(err)
}

// readSessions reads the database of a profile. One that is not there yet is not read.
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

// confirm has a person type a word before something is lost. what says what would be lost, refused what is refused where nobody can
// answer.
func (a *app) confirm(ctx context.Context, what, word, refused string) error {
	f, ok := a.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &usageError{fmt.Errorf("refusing to %s without asking: nobody can answer here, so pass --yes", refused)}
	}
	fmt.Fprintf(a.Err, "%s\nType %s to go on: ", what, word)
	line, err := bufio.NewReader(a.input(ctx)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(line) != word {
		return fmt.Errorf("that is not '%s': nothing is deleted", word)
	}
	return nil
}

// completeSessions completes names of sessions, those that were written to last.
func (a *app) completeSessions(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	h, err := a.known()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var list []cobra.Completion
	ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second) // somebody waits at a prompt
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

// firstWords returns the beginning of a text, on one line.
func firstWords(text string, most int) string {
	r := []rune(strings.Join(strings.Fields(logs.Printable(text)), " "))
	if len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return string(r)
}

// localTime shows a time to a person.
func localTime(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// count says how many there are of something.
func count[N int | int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
