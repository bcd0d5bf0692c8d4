package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/dashboard/access"
	"hermes/internal/fleet"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// statusOptions is what `status` is told.
type statusOptions struct{ app *app }

func statusCommand(a *app) *cobra.Command {
	o := statusOptions{app: a}
	return &cobra.Command{
		Use:   "status",
		Short: "Show the service manager, the dashboard, and how many gateways run",
		Args:  noArgs,
		RunE:  o.run,
	}
}

// run shows the summary, and then what is wrong with the gateways that failed.
func (o *statusOptions) run(cmd *cobra.Command, _ []string) error {
	a := o.app
	profiles, err := a.profiles()
	if err != nil {
		return err
	}
	m := a.manager()
	views, broken, err := fleet.LookAll(cmd.Context(), m, profiles, container.InContainer())
	if err != nil {
		return err
	}
	fleet.MeasureAll(views)
	s := summarize(m, views, broken)
	s.lookAtDashboard(cmd.Context(), m, profiles)
	if accessOptions, err := access.FromEnv(a.getenv); err == nil && !accessOptions.Protected() {
		s.hint = "`hermes dashboard link` logs a browser in"
	}
	if a.format == "json" {
		return a.json(s)
	}
	if _, err := fmt.Fprintf(a.Out, "Manager:    %s\nDashboard:  %s\nProfiles:   %d (%d running, %d down, %d cannot be used)\n",
		s.Manager, s.dashboard(), s.Profiles, s.Running, s.Down, s.Broken); err != nil {
		return err
	}
	return tellFailures(a.Out, views)
}

// summary is what `status` shows.
type summary struct {
	Manager string `json:"manager"`
	// Dashboard is "up", "starting", "backoff" or "down".
	Dashboard string `json:"dashboard"`
	// DashboardReason is how the dashboard ended and the last line that it logged. It is set if the dashboard failed and is not up.
	DashboardReason string `json:"dashboard_reason,omitempty"`
	// DashboardFailure is how the dashboard failed last, if it did.
	DashboardFailure service.Death `json:"dashboard_last_failure,omitzero"`
	hint             string        // how to log in to the dashboard
	Profiles         int           `json:"profiles"`
	Running          int           `json:"running"`
	Down             int           `json:"down"`
	Broken           int           `json:"broken"`
}

// summarize counts the gateways and names the managers. It says nothing of the dashboard but that it is down.
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

// installedBy names the managers of those profiles that are services of the host, each manager once. If another manager has the
// other profiles, its name comes last.
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

// dashboard is what people are shown of the dashboard.
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

// lookAtDashboard finds out whether the dashboard is up, and if it failed, how.
func (s *summary) lookAtDashboard(ctx context.Context, m service.Manager, profiles *profile.Store) {
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
	if said := fleet.LastWords(profiles, service.Dashboard()); said != "" {
		s.DashboardReason += ": " + said
	}
}
