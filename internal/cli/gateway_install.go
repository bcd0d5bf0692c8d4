package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/service"
)

func (a *app) gatewayInstallCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "install",
		Short: "Say how a gateway becomes a service here",
		Long: `install changes nothing. Where s6 supervises, every profile is a service already, and profile create makes one more.
The service managers of a host (systemd, launchd, Windows services) are not supported by this version.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.guide("install", `s6 supervises the gateways here, so there is nothing to install: every profile is a service.
  hermes profile create NAME         makes a profile and registers its gateway
  hermes -p NAME gateway start       starts it, now and at every boot of the container`)
		},
	}
}

// guide is what install and uninstall do (M12): words where s6 is in charge, a refusal elsewhere.
func (a *app) guide(action, words string) error {
	if m := a.manager(); m != nil && m.Kind() == service.KindS6 {
		if a.format == "json" {
			return a.json(map[string]any{"action": action, "manager": m.Kind(), "changed": false, "guidance": words})
		}
		_, err := fmt.Fprintln(a.Out, words)
		return err
	}
	return errNoInstall(action, container.InContainer())
}

func errNoInstall(action string, inContainer bool) error {
	if inContainer {
		return fmt.Errorf("cannot %s a service: no service manager runs in this container; start the container with the image's "+
			"own entrypoint, which supervises every profile, or run `hermes gateway run` as its command and let docker restart it", action)
	}
	return fmt.Errorf("cannot %s a service: this version does not support the service managers of a host (systemd, launchd, Windows services); "+
		"let a unit of your own run `hermes gateway run`, which stays in the foreground and ends cleanly at SIGTERM, or use the container image", action)
}
