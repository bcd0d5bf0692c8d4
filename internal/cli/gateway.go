package cli

import "github.com/spf13/cobra"

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
