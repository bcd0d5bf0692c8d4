package cli

import "github.com/spf13/cobra"

func bootCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "boot",
		Short: "The steps of a container's boot",
		Args:  noArgs,
		RunE:  showHelp,
	}
	cmd.AddCommand(bootSetupCommand(a), bootReconcileCommand(a))
	return cmd
}
