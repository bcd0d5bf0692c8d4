package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/profile"
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
		RunE: func(cmd *cobra.Command, _ []string) error {
			if all {
				wait := func(profile.Name) time.Duration { return w.duration() }
				return a.actOnAll(cmd.Context(), "restart", wait, w.noWait, service.Lifecycle.RestartAll)
			}
			return a.act(cmd.Context(), "restart", func(ctx context.Context, l service.Lifecycle, n profile.Name) error {
				return l.Restart(ctx, n, w.duration())
			}, w.noWait)
		},
	}
	w.flags(cmd, startTimeout+profile.DefaultDrainTimeout, "ready again")
	cmd.Flags().BoolVar(&all, "all", false, "restart the gateways of all profiles")
	return cmd
}
