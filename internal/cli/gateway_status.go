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

// gatewayStatusOptions is what `gateway status` is told.
type gatewayStatusOptions struct{ app *app }

func gatewayStatusCommand(a *app) *cobra.Command {
	o := gatewayStatusOptions{app: a}
	return &cobra.Command{
		Use:   "status",
		Short: "Show what a gateway does",
		Args:  noArgs,
		RunE:  o.run,
	}
}

// run shows the gateway of -p.
func (o *gatewayStatusOptions) run(cmd *cobra.Command, _ []string) error {
	a := o.app
	n, err := a.name()
	if err != nil {
		return err
	}
	profiles, err := a.profiles()
	if err != nil {
		return err
	}
	home, err := profiles.Get(n)
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
	return o.render(v)
}

// render prints a line for each thing that is known of the gateway.
func (o *gatewayStatusOptions) render(v fleet.View) error {
	w := tabwriter.NewWriter(o.app.Out, 0, 0, 2, ' ', 0)
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

// uptime shows how long a gateway has been up.
func uptime(seconds float64) string {
	return (time.Duration(seconds) * time.Second).String()
}

// memory shows how much memory a gateway uses (its proportional set size). It returns "" if that is unknown.
func memory(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}
