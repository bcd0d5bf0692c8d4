package cli

import "github.com/spf13/cobra"

func (a *app) gatewayUninstallCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "uninstall",
		Short: "Say how a gateway stops being a service here",
		Long: `uninstall changes nothing. Where s6 supervises, a gateway is a service for as long as its profile exists, and
profile delete ends both.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.guide("uninstall", `s6 supervises the gateways here, and a gateway is a service for as long as its profile exists.
  hermes -p NAME gateway stop        stops it for good and keeps the profile
  hermes profile delete NAME         stops it and removes the profile with its data`)
		},
	}
}
