package cli

import (
	"cmp"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/fleet"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// profileShowOptions is what `profile show` is told.
type profileShowOptions struct{ app *app }

func profileShowCommand(a *app) *cobra.Command {
	o := profileShowOptions{app: a}
	return &cobra.Command{
		Use:   "show [NAME]",
		Short: "Show where a profile lies and how it is set up",
		Long:  "show tells where a profile's files are, its port and its model. Secrets are never shown.",
		Example: `  hermes profile show coder
  hermes profile show --format json`,
		Args:              words(0, "NAME"),
		ValidArgsFunction: a.completeFirst,
		RunE:              o.run,
	}
}

// run shows the profile that the argument names, or that of -p.
func (o *profileShowOptions) run(cmd *cobra.Command, args []string) error {
	a := o.app
	n, err := a.nameArg(args)
	if err != nil {
		return err
	}
	profiles, err := a.profiles()
	if err != nil {
		return err
	}
	h, err := profiles.Get(n)
	if err != nil {
		return withWayOut(err)
	}
	m := a.manager()
	if m != nil {
		// A profile that was made without our commands may have no slot yet. It is shown as if there were no manager.
		if _, err := m.Status(cmd.Context(), service.Gateway(n)); err != nil {
			m = nil
		}
	}
	v, err := fleet.Look(cmd.Context(), m, h, container.InContainer())
	if err != nil {
		return err
	}
	v.Measure()
	info := newProfileInfo(profiles, v, a.getenv)
	active, err := a.unnamed()
	info.Active = err == nil && active == n
	if a.format == "json" {
		return a.json(info)
	}
	return o.render(h, info)
}

// render prints a line for each thing that is known of the profile.
func (o *profileShowOptions) render(h profile.Home, i profileInfo) error {
	w := tabwriter.NewWriter(o.app.Out, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s:\t%s\n", name, value)
		}
	}
	port := fmt.Sprint(i.Port)
	switch {
	case i.Port == 0 && i.Error == "":
		port = "decided at the first start"
	case i.Port == 0:
		port = ""
	case i.PortFrom != "":
		port += " (from " + i.PortFrom + ")"
	}
	row("Profile", i.Profile)
	row("Home", i.Home)
	row("Identity", h.Soul())
	row("Model", cmp.Or(i.Model, i.Provider))
	row("Port", port)
	row("State", i.State)
	row("Wanted", string(i.Desired))
	row("Log", i.LogFile)
	row("Wrong", i.Error)
	return w.Flush()
}
