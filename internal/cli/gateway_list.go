package cli

import (
	"cmp"
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/fleet"
	"hermes/internal/logs"
	"hermes/internal/profile"
)

// gatewayListOptions is what `gateway list` is told.
type gatewayListOptions struct{ app *app }

func gatewayListCommand(a *app) *cobra.Command {
	o := gatewayListOptions{app: a}
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "Show all profiles and their gateways",
		Args:    noArgs,
		RunE:    o.run,
	}
}

// run shows the gateways of the profiles that can be used, and names the other profiles on standard error.
func (o *gatewayListOptions) run(cmd *cobra.Command, _ []string) error {
	a := o.app
	profiles, err := a.profiles()
	if err != nil {
		return err
	}
	// This process ends at once. A thousand gateways make some megabytes of garbage, and collecting it takes a tenth of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	views, broken, err := fleet.LookAll(cmd.Context(), a.manager(), profiles, container.InContainer())
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
	return o.render(views)
}

// render prints a table of the gateways, and then what is wrong with those that failed.
func (o *gatewayListOptions) render(views []fleet.View) error {
	w := tabwriter.NewWriter(o.app.Out, 0, 0, 2, ' ', 0)
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
	return tellFailures(o.app.Out, views)
}

// tellFailures prints a line for each gateway that failed. For one that was given up the line says why, and what to do. For the others
// it says how they failed last.
func tellFailures(w io.Writer, views []fleet.View) error {
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
		if _, err := fmt.Fprintf(w, "%s: %s\n", v.Profile, logs.Printable(text)); err != nil {
			return err
		}
	}
	return nil
}
