package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hermes/internal/operate"
	"hermes/internal/profile"
)

func (a *app) profileRenameCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "rename OLD NEW",
		Aliases: []string{"mv"},
		Short:   "Give a profile another name",
		Long: `rename stops the gateway if it runs, renames the profile's home and its logs, and starts the gateway again under the new
name if it ran. The port and the key stay as they are.`,
		Example:           `  hermes profile rename coder reviewer`,
		Args:              words(2, "OLD", "NEW"),
		ValidArgsFunction: a.completeNamed,
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := parseName(args[0])
			if err != nil {
				return err
			}
			to, err := parseName(args[1])
			if err != nil {
				return err
			}
			p, err := a.profiles()
			if err != nil {
				return err
			}
			h, ran, err := p.Rename(cmd.Context(), from, to)
			if err != nil {
				return withWayOut(err)
			}
			if a.format == "json" {
				err = a.json(map[string]any{"profile": to, "from": from, "home": h.Dir, "started": ran})
			} else {
				_, err = fmt.Fprintf(a.Out, "✓ profile '%s' is now '%s': %s\n", from, to, h.Dir)
			}
			if err != nil || !ran {
				return err
			}
			return a.startNow(cmd.Context(), p.Lifecycle(), to)
		},
	}
}

// startNow starts the gateway of a profile that a command made or moved.
func (a *app) startNow(ctx context.Context, l operate.Lifecycle, n profile.Name) error {
	if err := l.Act(ctx, operate.Start, n); err != nil {
		return withLog(err, l.Store.Home(n), a.zone())
	}
	if a.format == "json" {
		return nil
	}
	_, err := fmt.Fprintf(a.Out, "✓ gateway '%s' %s\n", n, operate.Start.Outcome())
	return err
}
