package cli

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/dashboard"
	"hermes/internal/gateway"
)

func (a *app) dashboardCommand() *cobra.Command {
	var readyFD int
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Serve the dashboard in the foreground",
		Long: `dashboard serves a page that lists all profiles and what their gateways do. In the image HERMES_DASHBOARD=1 has the
supervisor run it. It listens on HERMES_DASHBOARD_HOST and HERMES_DASHBOARD_PORT (9119); on any other address than
loopback it needs HERMES_DASHBOARD_BASIC_AUTH_USERNAME and HERMES_DASHBOARD_BASIC_AUTH_PASSWORD, and
exits 78 without them.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := dashboard.FromEnv(a.getenv)
			var wrong *dashboard.ConfigError
			if errors.As(err, &wrong) {
				return &codeError{err, exitConfig}
			}
			if err != nil {
				return err
			}
			store, err := a.store()
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return dashboard.Run(ctx, dashboard.Options{
				Config: config, ReadyFD: readyFD, Log: a.logger(a.getenv(container.SupervisedChild) == "1"),
				Fleet: dashboard.Fleet{
					Store: store, Manager: a.manager, Container: container.InContainer(), Getenv: a.getenv,
					StopForeground: gateway.Stop, Doctor: a.doctorOptions,
				},
			})
		},
	}
	cmd.Flags().IntVar(&readyFD, "ready-fd", 0, "write a newline to descriptor `N` once the dashboard serves")
	return cmd
}
