package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/dashboard/access"
	"hermes/internal/fleet"
	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/service"
)

func (a *app) gatewayListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "Show all profiles and their gateways",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := a.store()
			if err != nil {
				return err
			}
			views, broken, err := fleet.LookAll(cmd.Context(), a.manager(), store, container.InContainer())
			if err != nil {
				return err
			}
			fleet.MeasureAll(views)
			for _, e := range broken {
				fmt.Fprintf(a.Err, "skipped %q: %v\n", e.Label, e.Err)
			}
			if a.format == "json" {
				return a.json(views)
			}
			return a.renderViews(views)
		},
	}
}

func (a *app) renderViews(views []fleet.View) error {
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PROFILE\tSTATE\tWANT\tPID\tUPTIME\tRESTARTS\tPORT\tMEMORY")
	dash := func(s string) string { return cmp.Or(s, "-") }
	for _, v := range views {
		pid, up, restarts, port := "", "", "", ""
		if v.Up() {
			pid, up = strconv.Itoa(v.PID), uptime(v.Uptime)
		}
		if v.Restarts >= 0 {
			restarts = strconv.Itoa(v.Restarts)
		}
		if v.Port != 0 {
			port = strconv.Itoa(v.Port)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.Profile, v.State, dash(string(v.Desired)), dash(pid), dash(up), dash(restarts), dash(port), dash(memory(v.Memory)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return a.renderFailed(views)
}

// renderFailed says of each gateway that was given up why, and what to do, and of the others how they failed last.
func (a *app) renderFailed(views []fleet.View) error {
	for _, v := range views {
		text := v.Trouble()
		if v.Hint == "" {
			text = v.LastFailure.String()
			if text != "" && v.Reason != "" && (v.State == "backoff" || v.State == string(profile.StateStarting)) {
				text += ": " + v.Reason
			}
		}
		if text == "" {
			continue
		}
		if _, err := fmt.Fprintf(a.Out, "%s: %s\n", v.Profile, logs.Printable(text)); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show the service manager, the dashboard, and how many gateways run",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := a.store()
			if err != nil {
				return err
			}
			m := a.manager()
			views, broken, err := fleet.LookAll(cmd.Context(), m, store, container.InContainer())
			if err != nil {
				return err
			}
			fleet.MeasureAll(views)
			s := summarize(m, views, broken)
			s.look(cmd.Context(), m, store)
			if config, err := access.FromEnv(a.getenv); err == nil && !config.Protected() {
				s.hint = "`hermes dashboard link` logs a browser in"
			}
			if a.format == "json" {
				return a.json(s)
			}
			if _, err := fmt.Fprintf(a.Out, "Manager:    %s\nDashboard:  %s\nProfiles:   %d (%d running, %d down, %d cannot be used)\n",
				s.Manager, s.dashboard(), s.Profiles, s.Running, s.Down, s.Broken); err != nil {
				return err
			}
			return a.renderFailed(views)
		},
	}
}

// installedBy names the managers of the profiles that are services of the host, each once.
func installedBy(m service.Installer, views []fleet.View) string {
	var names []string
	for _, v := range views {
		if id := service.Gateway(v.Profile); m.Installed(id) && !slices.Contains(names, m.Name(id)) {
			names = append(names, m.Name(id))
		}
	}
	if s, ok := m.(service.Split); ok && s.Rest != nil {
		names = append(names, service.ManagerName(s.Rest.Kind(), false))
	}
	return strings.Join(names, ", ")
}

type summary struct {
	Manager string `json:"manager"`
	// Dashboard is up, starting, backoff or down.
	Dashboard string `json:"dashboard"`
	// DashboardReason is how it ended, and what it said last, if it is not up because it failed.
	DashboardReason string `json:"dashboard_reason,omitempty"`
	// DashboardFailure is how it failed last, if it did.
	DashboardFailure service.Death `json:"dashboard_last_failure,omitzero"`
	hint             string        // how to get in
	Profiles         int           `json:"profiles"`
	Running          int           `json:"running"`
	Down             int           `json:"down"`
	Broken           int           `json:"broken"`
}

func (s summary) dashboard() string {
	text := s.Dashboard
	if s.DashboardReason != "" {
		return text + ": " + s.DashboardReason
	}
	if !s.DashboardFailure.IsZero() {
		text += "; last failure: " + s.DashboardFailure.String()
	}
	if s.Dashboard == "up" && s.hint != "" {
		text += "; " + s.hint
	}
	return text
}

// look finds out what the dashboard does, and why it is down, if nobody stopped it.
func (s *summary) look(ctx context.Context, m service.Manager, store *profile.Store) {
	if m == nil {
		return
	}
	st, err := m.Status(ctx, service.Dashboard())
	if err == nil {
		st, err = service.WithDeaths(ctx, m, st)
	}
	if err != nil {
		return
	}
	s.DashboardFailure = st.LastFailure
	switch {
	case st.Up && st.Ready:
		s.Dashboard = "up"
		return
	case st.Backoff:
		s.Dashboard = "backoff"
	case st.Up || st.WantUp:
		s.Dashboard = "starting"
	}
	if st.LastFailure.IsZero() {
		return
	}
	s.DashboardReason = st.LastFailure.How()
	if said := fleet.LastWords(store, service.Dashboard()); said != "" {
		s.DashboardReason += ": " + said
	}
}

func summarize(m service.Manager, views []fleet.View, broken []profile.Entry) summary {
	kind := service.KindNone
	s := summary{Dashboard: "down", Profiles: len(views) + len(broken), Broken: len(broken)}
	if m != nil {
		kind = m.Kind()
	}
	s.Manager = service.ManagerName(kind, container.InContainer())
	if i, ok := m.(service.Installer); ok {
		s.Manager = installedBy(i, views)
	}
	for _, v := range views {
		if v.Up() {
			s.Running++
		} else {
			s.Down++
		}
	}
	return s
}
