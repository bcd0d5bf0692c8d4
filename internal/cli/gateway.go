package cli

import "github.com/spf13/cobra"

func gatewayCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gateway",
		Short: "Run, start, stop and watch gateways",
		Long:  "Run, start, stop and watch gateways. `hermes gateway` alone is `hermes gateway run`.",
		Args:  noArgs,
	}
	run := gatewayRunCommand(a)
	cmd.Flags().AddFlagSet(run.Flags())
	cmd.RunE = run.RunE
	cmd.AddCommand(run, gatewayStartCommand(a), gatewayStopCommand(a), gatewayRestartCommand(a),
		gatewayStatusCommand(a), gatewayListCommand(a), gatewayLogsCommand(a), gatewayFinishCommand(a),
		gatewayInstallCommand(a), gatewayUninstallCommand(a))
	return cmd
}
