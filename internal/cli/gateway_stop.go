package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/service"
)

func (a *app) gatewayStopCommand() *cobra.Command {
	var w waiting
	var all bool
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
	w.flags(cmd, 30*time.Second, "down")
	cmd.Flags().BoolVar(&all, "all", false, "stop the gateways of all profiles")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		store, err := a.store()
		if err != nil {
			return err
		}
		// A gateway may take as long as its drain_timeout says; then it is killed.
		wait := func(n profile.Name) time.Duration {
			if w.noWait || cmd.Flags().Changed("timeout") {
				return w.duration()
			}
			return max(w.timeout, service.GatewaySpec(store.Home(n)).KillAfter+stopMargin)
		}
		if all {
			return a.actOnAll(cmd.Context(), "stop", wait, w.noWait, operate.Lifecycle.StopAll)
		}
		return a.act(cmd.Context(), "stop", func(ctx context.Context, l operate.Lifecycle, n profile.Name) error {
			return l.Stop(ctx, n, wait(n))
		}, w.noWait)
	}
	return cmd
}
