package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/operate"
	"hermes/internal/service"
)

func (a *app) gatewayUninstallCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "uninstall",
		Short: "Stop a gateway and take its service from this host",
		Long: `uninstall stops the gateway for good and removes the service that install made. The profile stays. profile delete
removes both.

Where s6 or hermes up supervises, uninstall changes nothing and says what to do instead.`,
		Example:     `  hermes -p coder gateway uninstall`,
		Annotations: map[string]string{staysRoot: "yes"},
		Args:        noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if done, err := a.guide("uninstall", `s6 supervises the gateways here, and a gateway is a service for as long as its profile exists.
  hermes -p NAME gateway stop        stops it for good and keeps the profile
  hermes profile delete NAME         stops it and removes the profile with its data`,
				"`hermes up`"+` supervises the gateways of this home: this one is no service of the host.
  hermes -p NAME gateway stop        stops it for good
  hermes down                        ends them all, until the next hermes up`); done {
				return err
			}
			return a.uninstall(cmd.Context())
		},
	}
}

func (a *app) uninstall(ctx context.Context) error {
	n, err := a.name()
	if err != nil {
		return err
	}
	store, err := a.store()
	if err != nil {
		return err
	}
	m := a.host(false, "")
	if m == nil {
		return errNoInstall("uninstall", container.InContainer())
	}
	id := service.Gateway(n)
	if !m.Installed(id) {
		if err := m.Foreign(id); err != nil {
			return err
		}
		return &service.NotInstalledError{Profile: n}
	}
	name, path := m.Name(id), m.Path(id)
	if err := (operate.Profiles{Manager: m, Store: store}).Uninstall(ctx, n); err != nil {
		return err
	}
	if a.format == "json" {
		return a.json(map[string]any{"action": "uninstall", "profile": n, "manager": name, "changed": true, "unit": path})
	}
	_, err = fmt.Fprintf(a.Out, "✓ gateway '%s' is stopped and no longer a service of %s\n", n, name)
	return err
}
