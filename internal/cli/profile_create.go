package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"hermes/internal/profile"
)

func (a *app) profileCreateCommand() *cobra.Command {
	var clone, start bool
	var cloneFrom string
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a profile and register its gateway, down",
		Long: `create makes a profile with a SOUL.md, which says who the agent is, and an .env with a generated key and a port that
stays. Where a supervisor is in charge the gateway is registered, and down until it is started.

A clone gets the identity and the configuration of another profile: SOUL.md, config.yaml, skills and other
plain files. It never gets its keys, port, memory, state or logs.`,
		Example: `  hermes profile create coder
  hermes profile create coder --start
  hermes profile create reviewer --clone-from coder`,
		Args:              words(1, "NAME"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := profile.NewName(args[0])
			if err != nil {
				return &usageError{err}
			}
			p, err := a.profiles()
			if err != nil {
				return err
			}
			if start && p.Manager == nil {
				if _, err := a.lifecycle(); err != nil {
					return err
				}
			}
			from, err := a.cloneSource(clone, cloneFrom)
			if err != nil {
				return err
			}
			m, err := p.Create(cmd.Context(), n, from)
			a.tellLeftOut(m.LeftOut, "")
			if err != nil {
				return withWayOut(err)
			}
			if err := a.tellMade("created", m, p.Registers(), start); err != nil || !start {
				return err
			}
			return a.startNow(cmd.Context(), p.Lifecycle(), n)
		},
	}
	cmd.Flags().BoolVar(&clone, "clone", false, "copy the profile of -p (the default profile without it)")
	cmd.Flags().StringVar(&cloneFrom, "clone-from", "", "copy the profile `NAME`")
	cmd.Flags().BoolVar(&start, "start", false, "start its gateway and wait until it is ready")
	complete(cmd, "clone-from", a.completeProfile)
	return cmd
}

// cloneSource returns the name of the profile to copy; the zero name for none.
func (a *app) cloneSource(clone bool, from string) (profile.Name, error) {
	switch {
	case clone && from != "":
		return profile.Name{}, &usageError{errors.New("--clone copies the profile of -p, --clone-from the one it names: use one of them")}
	case from != "":
		return parseName(from)
	case clone:
		return a.name()
	}
	return profile.Name{}, nil
}
