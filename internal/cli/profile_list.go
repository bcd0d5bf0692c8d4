package cli

import (
	"cmp"
	"fmt"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/fleet"
	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/ports"
)

// profileInfo is what programs are shown of a profile.
type profileInfo struct {
	Profile string `json:"profile"` // the directory's name, also when it is no valid profile name
	Home    string `json:"home,omitempty"`
	// Active is true for the profile of commands without -p.
	Active   bool                 `json:"active"`
	State    string               `json:"state,omitempty"`
	Desired  profile.DesiredState `json:"desired_state,omitempty"`
	Port     int                  `json:"port,omitempty"`
	PortFrom string               `json:"port_from,omitempty"` // where the port is written down
	Provider string               `json:"provider,omitempty"`
	Model    string               `json:"model,omitempty"`
	LogFile  string               `json:"log_file,omitempty"`
	// Error says what is wrong with its files.
	Error string `json:"error,omitempty"`
}

func (a *app) profileListCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "list",
		Aliases:           []string{"ls"},
		Short:             "Show all profiles",
		Long:              "list shows all profiles. A * marks the one that commands without -p are about.",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := a.store()
			if err != nil {
				return err
			}
			views, broken, err := fleet.LookAll(cmd.Context(), a.manager(), store, container.InContainer())
			if err != nil {
				return err
			}
			infos := make([]profileInfo, 0, len(views)+len(broken))
			active, aerr := a.unnamed()
			for _, v := range views {
				info := a.profileInfo(store, v)
				info.Active = aerr == nil && active == v.Profile
				infos = append(infos, info)
			}
			for _, e := range broken {
				infos = append(infos, profileInfo{Profile: e.Label, Error: e.Err.Error()})
			}
			if a.format == "json" {
				return a.json(infos)
			}
			return a.renderProfiles(infos)
		},
	}
}

func (a *app) profileInfo(store *profile.Store, v fleet.View) profileInfo {
	h := store.Home(v.Profile)
	info := profileInfo{Profile: v.Profile.String(), Home: h.Dir, State: v.State, Desired: v.Desired, LogFile: v.LogFile}
	var err error
	if info.Port, info.PortFrom, err = ports.Own(h, a.getenv); err != nil {
		info.Error = err.Error()
	}
	c, err := config.Load(h)
	if err != nil {
		info.Error = err.Error()
		return info
	}
	info.Provider, info.Model = c.Model.Provider, c.Model.Name
	return info
}

func (a *app) renderProfiles(infos []profileInfo) error {
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PROFILE\tSTATE\tPORT\tMODEL\tHOME")
	for _, i := range infos {
		if i.Home == "" {
			fmt.Fprintf(a.Err, "skipped %q: %s\n", i.Profile, i.Error)
			continue
		}
		name, port := i.Profile, ""
		if i.Active {
			name += " *"
		}
		if i.Port != 0 {
			port = strconv.Itoa(i.Port)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", name, i.State, cmp.Or(port, "-"), cmp.Or(i.Model, i.Provider, "-"), i.Home)
	}
	return w.Flush()
}
