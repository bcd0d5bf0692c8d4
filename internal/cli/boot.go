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

func (a *app) bootCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "boot",
		Short: "The steps of a container's boot",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.bootSetupCommand(), a.bootReconcileCommand())
	return cmd
}

func (a *app) bootSetupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "setup",
		Short: "Make the runtime user and give it its places (root, from /etc/cont-init.d)",
		Long: `setup gives the runtime user the ids of HERMES_UID and HERMES_GID (or PUID and PGID), empties the run-time
directories of the last run, and gives the volume to that user where it belongs to somebody else. It
follows no symbolic links and does not walk trees that are right.`,
		Annotations: map[string]string{asRoot: "yes", ownSignals: "yes"},
		Args:        noArgs,
		RunE:        func(*cobra.Command, []string) error { return boot.Setup(a.getenv, a.Err) },
	}
}

func (a *app) bootReconcileCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "reconcile",
		Short: "Recreate every profile's slot and start the gateways that were running",
		Long: `reconcile runs at every boot of the container. It makes a service directory for every profile and has those
gateways started that were running, or that the operator wants running. One line per profile goes to
logs/container-boot.log. A profile that cannot be used is skipped, with its reason, and does not stop the others.`,
		Annotations: map[string]string{ownSignals: "yes"},
		Args:        noArgs,
		RunE: func(*cobra.Command, []string) error {
			if !dryRun && container.IsEmbedded() {
				return nil // the supervisor itself does it
			}
			store, err := a.store()
			if err != nil {
				return err
			}
			outcomes, err := boot.Reconcile(store, s6.Slots{Dir: s6.Scandir(a.getenv)}, a.getenv, dryRun)
			if err != nil {
				// What could be done is done; a boot goes on.
				fmt.Fprintf(a.Err, "hermes reconcile: %v\n", err)
			}
			return a.renderOutcomes(outcomes, dryRun)
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be done and change nothing")
	return cmd
}

func (a *app) renderOutcomes(outcomes []boot.Outcome, all bool) error {
	if a.format == "json" {
		return a.json(outcomes)
	}
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	count := map[boot.Action]int{}
	for _, o := range outcomes {
		count[o.Action]++
		if all || o.Reason != "" {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", logs.Printable(o.Profile), logs.Printable(o.PriorState), o.Action, logs.Printable(o.Reason))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if !all && len(outcomes) == 1 && count[boot.Skipped] == 0 {
		return nil // the default profile alone is nothing to tell at every `docker run`
	}
	_, err := fmt.Fprintf(a.Out, "hermes: %d profiles: %d started, %d registered, %d skipped\n",
		len(outcomes), count[boot.Started], count[boot.Registered], count[boot.Skipped])
	return err
}
