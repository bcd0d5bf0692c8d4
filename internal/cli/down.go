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

// downOptions is what `down` is told.
type downOptions struct {
	app     *app
	timeout time.Duration
}

func downCommand(a *app) *cobra.Command {
	o := downOptions{app: a}
	cmd := &cobra.Command{
		Use:   "down",
		Short: "End `hermes up` and all its gateways",
		Long: `down lets running turns finish, ends all gateways and the supervisor that ` + "`hermes up`" + ` started, and returns when they
are down. The next ` + "`hermes up`" + ` starts again what ran.`,
		Args: noArgs,
		RunE: o.run,
	}
	cmd.Flags().DurationVar(&o.timeout, "timeout", 2*time.Minute, "how long to wait until everything is down")
	return cmd
}

// run ends the supervisor of this home and waits until it and all its gateways are down.
func (o *downOptions) run(cmd *cobra.Command, _ []string) error {
	a := o.app
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
	ctx, cancel := context.WithTimeout(cmd.Context(), o.timeout)
	defer cancel()
	if err := local.WaitDown(ctx, home); err != nil {
		if errors.Is(err, volume.ErrLocked) || errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("not all is down after %s: gateways are still ending", o.timeout)
		}
		return err
	}
	if a.format == "json" {
		return a.json(map[string]any{"home": home, "down": true})
	}
	a.say("✓ down; `hermes up` starts again what ran")
	return nil
}
