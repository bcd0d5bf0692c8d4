package cli

import (
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/fleet"
	"hermes/internal/service"
)

func (a *app) gatewayStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show what a gateway does",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := a.name()
			if err != nil {
				return err
			}
			store, err := a.store()
			if err != nil {
				return err
			}
			home, err := store.Get(n)
			if err != nil {
				return service.NotRegistered(service.Gateway(n))
			}
			v, err := fleet.Look(cmd.Context(), a.manager(), home, container.InContainer())
			if err != nil {
				return err
			}
			v.Measure()
			if a.format == "json" {
				return a.json(v)
			}
			return a.renderView(v)
		},
	}
}

func (a *app) renderView(v fleet.View) error {
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s:\t%s\n", name, value)
		}
	}
	state := v.State
	if v.Up() && v.Ready {
		state += " (ready)"
	}
	row("Profile", v.Profile.String())
	row("Manager", v.Manager)
	row("State", state)
	row("Wanted", string(v.Desired))
	if v.Up() {
		row("PID", strconv.Itoa(v.PID))
		row("Uptime", uptime(v.Uptime))
	}
	if v.Restarts >= 0 {
		row("Restarts", strconv.Itoa(v.Restarts))
	}
	row("Last exit", v.LastExit)
	row("Last failure", v.LastFailure.String())
	row("Reason", v.Reason)
	row("Hint", v.Hint)
	if v.Port != 0 {
		row("Port", strconv.Itoa(v.Port))
	}
	row("Memory", memory(v.Memory))
	row("Log", v.LogFile)
	return w.Flush()
}

func uptime(seconds float64) string {
	return (time.Duration(seconds) * time.Second).String()
}

// memory shows a proportional set size; "" if it is unknown.
func memory(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}
