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

func (a *app) profileShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show [NAME]",
		Short: "Show where a profile lies and how it is set up",
		Long:  "show tells where a profile's files are, its port and its model. Secrets are never shown.",
		Example: `  hermes profile show coder
  hermes profile show --format json`,
		Args:              words(0, "NAME"),
		ValidArgsFunction: a.completeFirst,
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := a.nameArg(args)
			if err != nil {
				return err
			}
			store, err := a.store()
			if err != nil {
				return err
			}
			h, err := store.Get(n)
			if err != nil {
				return withWayOut(err)
			}
			m := a.manager()
			if m != nil { // one that was made from outside has no slot yet
				if _, err := m.Status(cmd.Context(), service.Gateway(n)); err != nil {
					m = nil
				}
			}
			v, err := fleet.Look(cmd.Context(), m, h, container.InContainer())
			if err != nil {
				return err
			}
			v.Measure()
			info := a.profileInfo(store, v)
			active, err := a.unnamed()
			info.Active = err == nil && active == n
			if a.format == "json" {
				return a.json(info)
			}
			return a.renderProfile(h, info)
		},
	}
}

func (a *app) renderProfile(h profile.Home, i profileInfo) error {
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
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
