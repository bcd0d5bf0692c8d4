package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/service/local"
	"hermes/internal/volume"
)

func (a *app) downCommand() *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "down",
		Short: "End `hermes up` and all its gateways",
		Long: `down lets running turns finish, ends all gateways and the supervisor that ` + "`hermes up`" + ` started, and returns when they
are down. The next ` + "`hermes up`" + ` starts again what ran.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, home, err := a.upHome()
			if err != nil {
				return err
			}
			if !local.Live(home) {
				return fmt.Errorf("no `hermes up` runs in %s", home)
			}
			if container.IsEmbedded() {
				return errors.New("the container's init supervises here: `docker stop` ends the container, `hermes gateway stop --all` its gateways")
			}
			if err := local.NewManager(home).Down(cmd.Context()); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			if err := local.WaitDown(ctx, home); err != nil {
				if errors.Is(err, volume.ErrLocked) || errors.Is(err, context.DeadlineExceeded) {
					return fmt.Errorf("not all is down after %s: gateways are still ending", timeout)
				}
				return err
			}
			if a.format == "json" {
				return a.json(map[string]any{"home": home, "down": true})
			}
			a.say("✓ down; `hermes up` starts again what ran")
			return nil
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "how long to wait until everything is down")
	return cmd
}
