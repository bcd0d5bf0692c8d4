package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// profileDeleteOptions is what `profile delete` is told.
type profileDeleteOptions struct {
	app *app
	yes bool
}

func profileDeleteCommand(a *app) *cobra.Command {
	o := profileDeleteOptions{app: a}
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Aliases: []string{"rm"},
		Short:   "Stop a profile's gateway and delete the profile, its memory and its logs",
		Long: `delete stops the gateway, takes it from the supervisor, and deletes the profile's home and its logs. On a terminal it
asks for the name; anywhere else it needs --yes. The default profile, whose home holds all others, cannot be
deleted. If it is interrupted, type it again.`,
		Example: `  hermes profile delete coder
  hermes profile export coder -o coder.tar.zst && hermes profile delete coder --yes`,
		Args:              words(1, "NAME"),
		ValidArgsFunction: a.completeNamed,
		RunE:              o.run,
	}
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	return cmd
}

// run deletes the profile after a person has typed its name, or at once with --yes.
func (o *profileDeleteOptions) run(cmd *cobra.Command, args []string) error {
	a := o.app
	n, err := parseName(args[0])
	if err != nil {
		return err
	}
	p, err := a.operateProfiles()
	if err != nil {
		return err
	}
	if err := p.Known(cmd.Context(), n); err != nil {
		return withWayOut(err)
	}
	if !o.yes {
		q := question{
			what:   fmt.Sprintf("This deletes %s with its memory, its keys and its logs.", p.Store.Home(n).Dir),
			prompt: "the profile's name", word: n.String(),
			refused: fmt.Sprintf("refusing to delete profile '%s' without asking", n),
		}
		if err := a.confirm(cmd.Context(), q); err != nil {
			return err
		}
	}
	if err := p.Delete(cmd.Context(), n); err != nil {
		return withWayOut(err)
	}
	if active, ok, err := p.Store.Active(); err == nil && ok && active == n && a.stickyCounts() {
		fmt.Fprintf(a.Err, "it was the profile that `hermes profile use` chose: choose another, or type `hermes profile use --clear`\n")
	}
	if a.format == "json" {
		return a.json(map[string]any{"profile": n, "action": "delete"})
	}
	_, err = fmt.Fprintf(a.Out, "✓ profile '%s' is deleted\n", n)
	return err
}
