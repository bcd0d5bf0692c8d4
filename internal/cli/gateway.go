package cli

import (
	"time"

	"github.com/spf13/cobra"
)

const (
	// startTimeout is how long start and restart wait for readiness.
	startTimeout = 30 * time.Second
	// stopMargin is what stop waits on top of the time after which the gateway is killed.
	stopMargin = 5 * time.Second
)

func (a *app) gatewayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gateway",
		Short: "Run, start, stop and watch gateways",
		Long:  "Run, start, stop and watch gateways. `hermes gateway` alone is `hermes gateway run`.",
		Args:  noArgs,
	}
	run := a.gatewayRunCommand()
	cmd.Flags().AddFlagSet(run.Flags())
	cmd.RunE = run.RunE
	cmd.AddCommand(run, a.gatewayStartCommand(), a.gatewayStopCommand(), a.gatewayRestartCommand(),
		a.gatewayStatusCommand(), a.gatewayListCommand(), a.gatewayLogsCommand(), a.gatewayFinishCommand())
	return cmd
}

// waiting is the flags of the commands that wait for the supervisor.
type waiting struct {
	timeout time.Duration
	noWait  bool
}

func (w *waiting) flags(cmd *cobra.Command, timeout time.Duration, what string) {
	cmd.Flags().DurationVar(&w.timeout, "timeout", timeout, "how long to wait until the gateway is "+what)
	cmd.Flags().BoolVar(&w.noWait, "no-wait", false, "return at once")
}

// duration is what the manager takes: 0 for not at all.
func (w *waiting) duration() time.Duration {
	if w.noWait {
		return 0
	}
	return w.timeout
}
