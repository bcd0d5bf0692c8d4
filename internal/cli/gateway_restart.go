package cli

import (
	"github.com/spf13/cobra"

	"hermes/internal/operate"
)

func gatewayRestartCommand(a *app) *cobra.Command {
	o := lifecycleOptions{app: a, action: operate.Restart}
	cmd := &cobra.Command{
		Use:   "restart",
		Short: "Restart a gateway and wait until it is ready",
		Long: `restart lets running turns finish, ends the gateway, and returns when the next one is ready. A gateway that is
down is started. --all restarts every gateway but those that were stopped, a few at a time.`,
		Example: `  hermes gateway restart
  hermes gateway restart --all`,
		Args: noArgs,
	}
	cmd.RunE = o.run
	o.flags(cmd, "ready again")
	cmd.Flags().BoolVar(&o.all, "all", false, "restart the gateways of all profiles")
	return cmd
}
