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
	Profile string `json:"profile"` // the directory's name, even if it cannot be the name of a profile
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

// profileListOptions is what `profile list` is told.
type profileListOptions struct{ app *app }

func profileListCommand(a *app) *cobra.Command {
	o := profileListOptions{app: a}
	return &cobra.Command{
		Use:               "list",
		Aliases:           []string{"ls"},
		Short:             "Show all profiles",
		Long:              "list shows all profiles. A * marks the one that commands without -p are about.",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              o.run,
	}
}

// run shows the profiles that can be used, and then those that cannot.
func (o *profileListOptions) run(cmd *cobra.Command, _ []string) error {
	a := o.app
	profiles, err := a.profiles()
	if err != nil {
		return err
	}
	views, broken, err := fleet.LookAll(cmd.Context(), a.manager(), profiles, container.InContainer())
	if err != nil {
		return err
	}
	infos := make([]profileInfo, 0, len(views)+len(broken))
	active, aerr := a.unnamed()
	for _, v := range views {
		info := newProfileInfo(profiles, v, a.getenv)
		info.Active = aerr == nil && active == v.Profile
		infos = append(infos, info)
	}
	for _, e := range broken {
		infos = append(infos, profileInfo{Profile: e.Label, Error: e.Err.Error()})
	}
	if a.format == "json" {
		return a.json(infos)
	}
	return o.render(infos)
}

// newProfileInfo gathers what is shown of a profile. What cannot be read is left out, and Error says why.
func newProfileInfo(profiles *profile.Store, v fleet.View, getenv func(string) string) profileInfo {
	h := profiles.Home(v.Profile)
	info := profileInfo{Profile: v.Profile.String(), Home: h.Dir, State: v.State, Desired: v.Desired, LogFile: v.LogFile}
	var err error
	if info.Port, info.PortFrom, err = ports.Own(h, getenv); err != nil {
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

// render prints a table of the profiles that can be used. It names the others on standard error.
func (o *profileListOptions) render(infos []profileInfo) error {
	a := o.app
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
