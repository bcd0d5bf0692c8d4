package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"hermes/internal/profile"
)

// profileCreateOptions is what `profile create` is told.
type profileCreateOptions struct {
	app       *app
	clone     bool
	cloneFrom string
	start     bool
}

func profileCreateCommand(a *app) *cobra.Command {
	o := profileCreateOptions{app: a}
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
		RunE:              o.run,
	}
	cmd.Flags().BoolVar(&o.clone, "clone", false, "copy the profile of -p (the default profile without it)")
	cmd.Flags().StringVar(&o.cloneFrom, "clone-from", "", "copy the profile `NAME`")
	cmd.Flags().BoolVar(&o.start, "start", false, "start its gateway and wait until it is ready")
	complete(cmd, "clone-from", a.completeProfile)
	return cmd
}

// run makes the profile, and starts its gateway if --start says so.
func (o *profileCreateOptions) run(cmd *cobra.Command, args []string) error {
	a, ctx := o.app, cmd.Context()
	n, err := profile.NewName(args[0])
	if err != nil {
		return &usageError{err}
	}
	p, err := a.operateProfiles()
	if err != nil {
		return err
	}
	if o.start && p.Manager == nil {
		if _, err := a.lifecycle(); err != nil {
			return err // it says how to get a manager; no profile has been made yet
		}
	}
	from, err := o.source()
	if err != nil {
		return err
	}
	m, err := p.Create(ctx, n, from)
	a.tellLeftOut(m.LeftOut, "")
	if err != nil {
		return withWayOut(err)
	}
	if err := a.tellMade("created", m, p.Registers(), o.start); err != nil || !o.start {
		return err
	}
	return a.startNow(ctx, p.Lifecycle(), n)
}

// source returns the name of the profile to copy, or the zero name if there is none to copy.
func (o *profileCreateOptions) source() (profile.Name, error) {
	switch {
	case o.clone && o.cloneFrom != "":
		return profile.Name{}, &usageError{errors.New("--clone copies the profile of -p, --clone-from the one it names: use one of them")}
	case o.cloneFrom != "":
		return parseName(o.cloneFrom)
	case o.clone:
		return o.app.name()
	}
	return profile.Name{}, nil
}
