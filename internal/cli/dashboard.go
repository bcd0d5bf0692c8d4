package cli

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/dashboard"
	"hermes/internal/dashboard/access"
	"hermes/internal/exitcode"
	"hermes/internal/gateway"
)

func (a *app) dashboardCommand() *cobra.Command {
	var readyFD int
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Serve the dashboard in the foreground",
		Long: `dashboard serves pages that show what all gateways do, as it happens, and that start, stop, make and change them. In the
image HERMES_DASHBOARD=1 has the supervisor run it; ` + "`hermes up`" + ` runs it too. It listens on HERMES_DASHBOARD_HOST and HERMES_DASHBOARD_PORT (9119); on any other address than
loopback it needs HERMES_DASHBOARD_BASIC_AUTH_USERNAME and HERMES_DASHBOARD_BASIC_AUTH_PASSWORD, and
exits 78 without them. On loopback, without them, ` + "`hermes dashboard link`" + ` lets its owner in.`,
		Annotations: map[string]string{ownSignals: "yes"},
		Args:        noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := access.FromEnv(a.getenv)
			var wrong *access.ConfigError
			if errors.As(err, &wrong) {
				return &codeError{err, exitcode.Config}
			}
			if err != nil {
				return err
			}
			store, err := a.store()
			if err != nil {
				return err
			}
			config.Home = store.Files()
			if !config.Protected() {
				if config.LocalKey, err = access.Key(cmd.Context(), store.Files()); err != nil {
					return err
				}
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return dashboard.Run(ctx, dashboard.Options{
				Config: config, ReadyFD: readyFD, Log: a.logger(a.getenv(container.SupervisedChild) == "1"),
				Backend: dashboard.Backend{
					Store: store, Manager: a.manager, Container: container.InContainer(), Getenv: a.getenv,
					StopForeground: gateway.Stop, Doctor: a.doctorOptions,
				},
			})
		},
	}
	cmd.AddCommand(a.hashPasswordCommand(), a.dashboardLinkCommand())
	cmd.Flags().IntVar(&readyFD, "ready-fd", 0, "write a newline to descriptor `N` once the dashboard serves")
	return cmd
}
