package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/operate"
	"hermes/internal/service"
)

// gatewayUninstallOptions is what `gateway uninstall` is told.
type gatewayUninstallOptions struct{ app *app }

func gatewayUninstallCommand(a *app) *cobra.Command {
	o := gatewayUninstallOptions{app: a}
	return &cobra.Command{
		Use:   "uninstall",
		Short: "Stop a gateway and take its service from this host",
		Long: `uninstall stops the gateway for good and removes the service that install made. The profile stays. profile delete
removes both.

Where s6 or hermes up supervises, uninstall changes nothing and says what to do instead.`,
		Example:     `  hermes -p coder gateway uninstall`,
		Annotations: map[string]string{staysRoot: "yes"},
		Args:        noArgs,
		RunE:        o.run,
	}
}

// run removes the service, or says what to do instead where somebody else supervises.
func (o *gatewayUninstallOptions) run(cmd *cobra.Command, _ []string) error {
	a, ctx := o.app, cmd.Context()
	if done, err := a.guide("uninstall", `s6 supervises the gateways here, and a gateway is a service for as long as its profile exists.
  hermes -p NAME gateway stop        stops it for good and keeps the profile
  hermes profile delete NAME         stops it and removes the profile with its data`,
		"`hermes up`"+` supervises the gateways of this home: this one is no service of the host.
  hermes -p NAME gateway stop        stops it for good
  hermes down                        ends them all, until the next hermes up`); done {
		return err
	}
	n, err := a.name()
	if err != nil {
		return err
	}
	profiles, err := a.profiles()
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
	if err := (operate.Profiles{Manager: m, Store: profiles}).Uninstall(ctx, n); err != nil {
		return err
	}
	if a.format == "json" {
		return a.json(map[string]any{"action": "uninstall", "profile": n, "manager": name, "changed": true, "unit": path})
	}
	_, err = fmt.Fprintf(a.Out, "✓ gateway '%s' is stopped and no longer a service of %s\n", n, name)
	return err
}
