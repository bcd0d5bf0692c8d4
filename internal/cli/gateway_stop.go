package cli

import (
	"github.com/spf13/cobra"

	"hermes/internal/operate"
)

func gatewayStopCommand(a *app) *cobra.Command {
	o := lifecycleOptions{app: a, action: operate.Stop}
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "Stop a gateway for good and wait until it is down",
		Long: `stop lets running turns finish, ends the gateway, and keeps it down, also after the container restarts, until
` + "`hermes gateway start`" + ` wants it up again. On a volume that is full or read-only it stops all the same, says that this could
not be recorded, and exits 1. --all stops every gateway, a few at a time.`,
		Example: `  hermes gateway stop
  hermes gateway stop --all`,
		Args: noArgs,
	}
	cmd.RunE = o.run
	o.flags(cmd, "down")
	cmd.Flags().BoolVar(&o.all, "all", false, "stop the gateways of all profiles")
	return cmd
}
