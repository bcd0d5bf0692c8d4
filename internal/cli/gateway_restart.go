package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/service"
)

func (a *app) gatewayRestartCommand() *cobra.Command {
	var w waiting
	var all bool
	cmd := &cobra.Command{
		Use:   "restart",
		Short: "Restart a gateway and wait until it is ready",
		Long: `restart lets running turns finish, ends the gateway, and returns when the next one is ready. A gateway that is
down is started. --all restarts every gateway but those that were stopped, a few at a time.`,
		Example: `  hermes gateway restart
  hermes gateway restart --all`,
		Args: noArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		store, err := a.store()
		if err != nil {
			return err
		}
		// The old process may take as long as its drain_timeout says.
		wait := func(n profile.Name) time.Duration {
			if w.noWait || cmd.Flags().Changed("timeout") {
				return w.duration()
			}
			return startTimeout + service.GatewaySpec(store.Home(n)).KillAfter
		}
		if all {
			return a.actOnAll(cmd.Context(), "restart", wait, w.noWait, operate.Lifecycle.RestartAll)
		}
		return a.act(cmd.Context(), "restart", func(ctx context.Context, l operate.Lifecycle, n profile.Name) error {
			return l.Restart(ctx, n, wait(n))
		}, w.noWait)
	}
	w.flags(cmd, startTimeout+config.DefaultDrainTimeout, "ready again")
	cmd.Flags().BoolVar(&all, "all", false, "restart the gateways of all profiles")
	return cmd
}
