package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/profile"
	"hermes/internal/service"
)

func (a *app) gatewayStopCommand() *cobra.Command {
	var w waiting
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "Stop a gateway for good and wait until it is down",
		Long: `stop lets running turns finish, ends the gateway, and keeps it down, also after the container restarts, until
` + "`hermes gateway start`" + ` wants it up again.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.act(cmd.Context(), "stop", func(ctx context.Context, l service.Lifecycle, n profile.Name) error {
				wait := w.duration()
				if wait > 0 && !cmd.Flags().Changed("timeout") {
					wait = max(wait, service.GatewaySpec(l.Store.Home(n)).KillAfter+stopMargin)
				}
				return l.Stop(ctx, n, wait)
			}, w.noWait)
		},
	}
	w.flags(cmd, 30*time.Second, "down")
	return cmd
}
