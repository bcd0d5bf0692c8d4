package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// profileRenameOptions is what `profile rename` is told.
type profileRenameOptions struct{ app *app }

func profileRenameCommand(a *app) *cobra.Command {
	o := profileRenameOptions{app: a}
	return &cobra.Command{
		Use:     "rename OLD NEW",
		Aliases: []string{"mv"},
		Short:   "Give a profile another name",
		Long: `rename stops the gateway if it runs, renames the profile's home and its logs, and starts the gateway again under the new
name if it ran. The port and the key stay as they are.`,
		Example:           `  hermes profile rename coder reviewer`,
		Args:              words(2, "OLD", "NEW"),
		ValidArgsFunction: a.completeNamed,
		RunE:              o.run,
	}
}

// run renames the profile, and starts its gateway again if it ran.
func (o *profileRenameOptions) run(cmd *cobra.Command, args []string) error {
	a, ctx := o.app, cmd.Context()
	from, err := parseName(args[0])
	if err != nil {
		return err
	}
	to, err := parseName(args[1])
	if err != nil {
		return err
	}
	p, err := a.operateProfiles()
	if err != nil {
		return err
	}
	h, ran, err := p.Rename(ctx, from, to)
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
	return a.startNow(ctx, p.Lifecycle(), to)
}
