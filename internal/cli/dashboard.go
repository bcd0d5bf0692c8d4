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
	"hermes/internal/dashboard/backend"
	"hermes/internal/exitcode"
	"hermes/internal/gateway"
)

// dashboardOptions is what `dashboard` is told.
type dashboardOptions struct {
	app     *app
	readyFD int
}

func dashboardCommand(a *app) *cobra.Command {
	o := dashboardOptions{app: a}
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Serve the dashboard in the foreground",
		Long: `dashboard serves pages that show what all gateways do, as it happens, and that start, stop, make and change them. In the
image HERMES_DASHBOARD=1 has the supervisor run it; ` + "`hermes up`" + ` runs it too. It listens on HERMES_DASHBOARD_HOST and HERMES_DASHBOARD_PORT (9119); on any other address than
loopback it needs HERMES_DASHBOARD_BASIC_AUTH_USERNAME and HERMES_DASHBOARD_BASIC_AUTH_PASSWORD, and
exits 78 without them. On loopback, without them, ` + "`hermes dashboard link`" + ` lets its owner in.`,
		Annotations: map[string]string{ownSignals: "yes"},
		Args:        noArgs,
		RunE:        o.run,
	}
	cmd.AddCommand(dashboardHashPasswordCommand(a), dashboardLinkCommand(a))
	cmd.Flags().IntVar(&o.readyFD, "ready-fd", 0, "write a newline to descriptor `N` once the dashboard serves")
	return cmd
}

// run serves the dashboard until a signal ends it.
func (o *dashboardOptions) run(cmd *cobra.Command, _ []string) error {
	a := o.app
	accessOptions, err := access.FromEnv(a.getenv)
	var wrong *access.VariableError
	if errors.As(err, &wrong) {
		return &codeError{err, exitcode.Config}
	}
	if err != nil {
		return err
	}
	profiles, err := a.profiles()
	if err != nil {
		return err
	}
	accessOptions.Home = profiles.Files()
	if !accessOptions.Protected() {
		if accessOptions.LocalKey, err = access.Key(cmd.Context(), profiles.Files()); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return dashboard.Run(ctx, dashboard.Options{
		Access: accessOptions, ReadyFD: o.readyFD, Log: a.logger(a.getenv(container.SupervisedChild) == "1"),
		Backend: backend.Options{
			Store: profiles, Manager: a.manager, Container: container.InContainer(), Getenv: a.getenv,
			StopForeground: gateway.Stop, Doctor: a.examination,
		},
	})
}
