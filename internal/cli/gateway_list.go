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
			views, broken, err := service.LookAll(cmd.Context(), a.manager(), store, container.InContainer())
			if err != nil {
				return err
			}
			service.MeasureAll(views)
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

func (a *app) renderViews(views []service.View) error {
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

// renderFailed says of each gateway that was given up why, and what to do.
func (a *app) renderFailed(views []service.View) error {
	for _, v := range views {
		if v.Hint == "" {
			continue
		}
		if _, err := fmt.Fprintf(a.Out, "%s: %s\n", v.Profile, logs.Printable(v.Trouble())); err != nil {
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
			views, broken, err := service.LookAll(cmd.Context(), m, store, container.InContainer())
			if err != nil {
				return err
			}
			service.MeasureAll(views)
			s := summarize(cmd.Context(), m, views, broken)
			s.whyDown(cmd.Context(), m, store)
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
func installedBy(m service.Installer, views []service.View) string {
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
	Manager   string `json:"manager"`
	Dashboard string `json:"dashboard"`
	// DashboardReason is the last line of its log, if it is down because it failed.
	DashboardReason string `json:"dashboard_reason,omitempty"`
	hint            string // how to get in
	Profiles        int    `json:"profiles"`
	Running         int    `json:"running"`
	Down            int    `json:"down"`
	Broken          int    `json:"broken"`
}

func (s summary) dashboard() string {
	switch {
	case s.Dashboard == "up" && s.hint != "":
		return s.Dashboard + "; " + s.hint
	case s.DashboardReason == "":
		return s.Dashboard
	}
	return s.Dashboard + ": " + s.DashboardReason
}

// whyDown looks up why the dashboard is down, if nobody stopped it.
func (s *summary) whyDown(ctx context.Context, m service.Manager, store *profile.Store) {
	if m == nil || s.Dashboard == "up" {
		return
	}
	st, err := m.Status(ctx, service.Dashboard())
	if err != nil || st.ExitCode <= 0 {
		return
	}
	s.DashboardReason = st.LastExit()
	lines, err := logs.Last(store.Files().Sub(service.LogDir(service.Dashboard())), 1, nil)
	if err == nil && len(lines) == 1 {
		text := logs.Printable(lines[0].Text)
		if _, said, ok := strings.Cut(text, "✗ "); ok {
			text = said
		}
		s.DashboardReason += ": " + text
	}
}

func summarize(ctx context.Context, m service.Manager, views []service.View, broken []profile.Entry) summary {
	kind := service.KindNone
	s := summary{Dashboard: "down", Profiles: len(views) + len(broken), Broken: len(broken)}
	if m != nil {
		kind = m.Kind()
		if st, err := m.Status(ctx, service.Dashboard()); err == nil && st.Up {
			s.Dashboard = "up"
		}
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
