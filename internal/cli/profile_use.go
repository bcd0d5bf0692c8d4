package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"hermes/internal/profile"
)

// profileUseOptions is what `profile use` is told.
type profileUseOptions struct {
	app   *app
	clear bool
}

func profileUseCommand(a *app) *cobra.Command {
	o := profileUseOptions{app: a}
	cmd := &cobra.Command{
		Use:   "use [NAME]",
		Short: "Choose the profile of commands without -p, at this host's shell",
		Long: `use chooses the profile that commands without -p are about. It counts for people at a shell of a host only: in the
image, and for gateways that a supervisor starts, no -p always means the default profile. Without a
name it shows what is chosen.`,
		Example: `  hermes profile use coder
  hermes profile use --clear`,
		Args:              words(0, "NAME"),
		ValidArgsFunction: a.completeFirst,
		RunE:              o.run,
	}
	cmd.Flags().BoolVar(&o.clear, "clear", false, "choose none: no -p means the default profile")
	return cmd
}

// run chooses a profile, or none with --clear, and shows what is chosen now.
func (o *profileUseOptions) run(_ *cobra.Command, args []string) error {
	profiles, err := o.app.profiles()
	if err != nil {
		return err
	}
	switch {
	case o.clear && len(args) > 0:
		return &usageError{errors.New("`hermes profile use` takes a name or --clear, not both")}
	case o.clear:
		err = profiles.ClearActive()
	case len(args) == 0:
		_, err = profiles.ActiveOrDefault()
	default:
		err = o.use(profiles, args[0])
	}
	if err != nil {
		return withWayOut(err)
	}
	return o.tell(profiles)
}

// use chooses a profile. Where the choice does not count, only the default profile can be chosen.
func (o *profileUseOptions) use(profiles *profile.Store, arg string) error {
	n, err := parseName(arg)
	if err != nil {
		return err
	}
	if !n.IsDefault() && !o.app.stickyCounts() {
		return errors.New("here no -p always means the default profile, so there is nothing to choose: " +
			"type `hermes -p " + n.String() + " ...`")
	}
	return profiles.SetActive(n)
}

// tell says which profile commands without -p are about.
func (o *profileUseOptions) tell(profiles *profile.Store) error {
	a := o.app
	n, chosen, err := profiles.Active()
	if err != nil {
		return err
	}
	counts := chosen && a.stickyCounts()
	if !counts {
		n = profile.Default()
	}
	if a.format == "json" {
		return a.json(map[string]any{"profile": n, "chosen": counts})
	}
	_, err = fmt.Fprintf(a.Out, "commands without -p are about profile '%s'\n", n)
	return err
}
