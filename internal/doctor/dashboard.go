package doctor

import (
	"context"
	"errors"

	"hermes/internal/fleet"
	"hermes/internal/service"
)

// checkDashboard looks whether the dashboard is up if the environment asks for it, and otherwise how it failed.
func checkDashboard(ctx context.Context, e *examination) []Finding {
	f := Finding{Severity: Error}
	if e.Manager == nil {
		if !e.Dashboard || !e.Container {
			return nil
		}
		f.Severity = Warning
		f.What, f.Mend = "HERMES_DASHBOARD asks for the dashboard, and no supervisor is here to run it", "see the findings about the supervisor; `hermes dashboard` runs it in the foreground"
		return []Finding{f}
	}
	id := service.Dashboard()
	st, err := e.Manager.Status(ctx, id)
	if err == nil {
		st, err = service.WithDeaths(ctx, e.Manager, st)
	}
	s6 := e.Manager.Kind() == service.KindS6
	var missing *service.NotRegisteredError
	switch {
	case errors.As(err, &missing):
		if !e.Dashboard || !s6 {
			return nil
		}
		f.What, f.Mend = "HERMES_DASHBOARD asks for the dashboard, and it has no slot", "restart the container: its boot makes one"
		return []Finding{f}
	case err != nil:
		f.What, f.Mend = err.Error(), e.dashboardAgain()
		return []Finding{f}
	case st.Up && st.Ready && st.LastFailure.IsZero():
		return nil
	case st.Up && st.Ready:
		f.What = "the dashboard runs again after a failure: " + failures(st)
		f.Mend = "its log is " + e.Store.Files().Path(service.LogDir(id)+"/current")
		return []Finding{e.over(f, st.LastFailure)}
	case st.WantUp && (st.Backoff || !st.LastFailure.IsZero()):
		f.What = "the dashboard fails again and again: " + failures(st)
	case !st.LastFailure.IsZero() || st.GaveUp != "":
		f.What = "the dashboard is down: " + failures(st)
	case st.Up && st.For > startsWithin:
		f.Severity = Warning
		f.What = "the dashboard has been starting for " + st.For.String() + " and does not serve yet"
	case !st.WantUp && e.Dashboard && s6:
		f.Severity = Warning
		f.What = "HERMES_DASHBOARD asks for the dashboard, but the supervisor keeps it down"
	default:
		return nil
	}
	if said := fleet.LastWords(e.Store, id); said != "" {
		f.What += ": " + short(said)
	}
	f.Mend = "mend that, then " + e.dashboardAgain()
	return []Finding{f}
}

// dashboardAgain says how to make the dashboard use a change.
func (e *examination) dashboardAgain() string {
	if e.Image || e.Manager.Kind() == service.KindS6 {
		return "restart the container (its environment is that of `docker run`)"
	}
	return "`hermes down`, and `hermes up` again"
}
