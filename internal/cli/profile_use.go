package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"hermes/internal/profile"
)

func (a *app) profileUseCommand() *cobra.Command {
	var clearIt bool
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
		RunE: func(_ *cobra.Command, args []string) error {
			store, err := a.store()
			if err != nil {
				return err
			}
			switch {
			case clearIt && len(args) > 0:
				return &usageError{errors.New("`hermes profile use` takes a name or --clear, not both")}
			case clearIt:
				err = store.ClearActive()
			case len(args) == 0:
				_, err = store.ActiveOrDefault()
			default:
				err = a.use(store, args[0])
			}
			if err != nil {
				return withWayOut(err)
			}
			return a.tellActive(store)
		},
	}
	cmd.Flags().BoolVar(&clearIt, "clear", false, "choose none: no -p means the default profile")
	return cmd
}

func (a *app) use(store *profile.Store, arg string) error {
	n, err := parseName(arg)
	if err != nil {
		return err
	}
	if !n.IsDefault() && !a.stickyCounts() {
		return errors.New("here no -p always means the default profile, so there is nothing to choose: " +
			"type `hermes -p " + n.String() + " ...`")
	}
	return store.SetActive(n)
}

func (a *app) tellActive(store *profile.Store) error {
	n, chosen, err := store.Active()
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
