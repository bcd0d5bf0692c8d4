package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hermes/internal/boot"
	"hermes/internal/container"
	"hermes/internal/logs"
	"hermes/internal/service/s6"
)

// bootReconcileOptions is what `boot reconcile` is told.
type bootReconcileOptions struct {
	app    *app
	dryRun bool
}

func bootReconcileCommand(a *app) *cobra.Command {
	o := bootReconcileOptions{app: a}
	cmd := &cobra.Command{
		Use:   "reconcile",
		Short: "Recreate every profile's slot and start the gateways that were running",
		Long: `reconcile runs at every boot of the container. It makes a service directory for every profile and has those
gateways started that were running, or that the operator wants running. One line per profile goes to
logs/container-boot.log. A profile that cannot be used is skipped, with its reason, and does not stop the others.`,
		Annotations: map[string]string{ownSignals: "yes"},
		Args:        noArgs,
		RunE:        o.run,
	}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be done and change nothing")
	return cmd
}

// run reconciles the slots with the profiles. An error of a profile is printed and does not make the command fail, so that the boot
// goes on.
func (o *bootReconcileOptions) run(*cobra.Command, []string) error {
	a := o.app
	if !o.dryRun && container.IsEmbedded() {
		return nil // the embedded supervisor reconciles when it starts
	}
	profiles, err := a.profiles()
	if err != nil {
		return err
	}
	outcomes, err := boot.Reconcile(profiles, s6.Slots{Dir: s6.Scandir(a.getenv)}, a.getenv, o.dryRun)
	if err != nil {
		fmt.Fprintf(a.Err, "hermes reconcile: %v\n", err) // the other profiles are done
	}
	return o.render(outcomes)
}

// render prints a line for each profile that there is something to say of (with --dry-run for every profile), and then the count.
func (o *bootReconcileOptions) render(outcomes []boot.Outcome) error {
	a := o.app
	if a.format == "json" {
		return a.json(outcomes)
	}
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	count := map[boot.Action]int{}
	for _, out := range outcomes {
		count[out.Action]++
		if o.dryRun || out.Reason != "" {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", logs.Printable(out.Profile), logs.Printable(out.PriorState), out.Action, logs.Printable(out.Reason))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if !o.dryRun && len(outcomes) == 1 && count[boot.Skipped] == 0 {
		return nil // with no profile but the default one there is nothing to tell at every `docker run`
	}
	_, err := fmt.Fprintf(a.Out, "hermes: %d profiles: %d started, %d registered, %d skipped\n",
		len(outcomes), count[boot.Started], count[boot.Registered], count[boot.Skipped])
	return err
}
