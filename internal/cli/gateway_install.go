package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// gatewayInstallOptions is what `gateway install` is told.
type gatewayInstallOptions struct {
	app      *app
	system   bool
	startNow bool
}

func gatewayInstallCommand(a *app) *cobra.Command {
	o := gatewayInstallOptions{app: a}
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Make a gateway a service of this host: systemd, launchd, Windows",
		Long: `install makes the gateway of a profile a service of the host's own init system, which restarts it when it fails and starts
it at boot: a unit of the user's systemd (of the system's with --system, as root), a launchd agent or daemon, a
Windows service. Start, stop, restart, status and logs then work through that system. Once more, after an update or a change
of gateway.drain_timeout, gateway.max_failures or gateway.failure_window, it brings the service up to date.

A service of the user ends when the user logs out, unless the user lingers (loginctl enable-linger). With --system the gateway
runs as the user to whom HERMES_HOME belongs, and the commands that change it take root.

Where s6 or hermes up supervises, install changes nothing and says what to do instead.`,
		Example: `  hermes gateway install --start-now
  hermes -p coder gateway install
  sudo HERMES_HOME=/home/me/.hermes hermes gateway install --system`,
		Annotations: map[string]string{staysRoot: "yes"},
		Args:        noArgs,
		RunE:        o.run,
	}
	cmd.Flags().BoolVar(&o.system, "system", false, "a service of the whole system, which takes root to install")
	cmd.Flags().BoolVar(&o.startNow, "start-now", false, "start it, now and at every boot, and wait until it is ready")
	return cmd
}

// run makes the service, or says what to do instead where somebody else supervises.
func (o *gatewayInstallOptions) run(cmd *cobra.Command, _ []string) error {
	a, ctx := o.app, cmd.Context()
	if done, err := a.guide("install", `s6 supervises the gateways here, so there is nothing to install: every profile is a service.
  hermes profile create NAME         makes a profile and registers its gateway
  hermes -p NAME gateway start       starts it, now and at every boot of the container`,
		"`hermes up`"+` supervises the gateways of this home, and starts them when it starts.
  hermes down                        ends it
  hermes gateway install             then makes a gateway a service of this host instead`); done {
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
	owner, err := o.serviceUser(profiles.Root())
	if err != nil {
		return err
	}
	m := a.host(o.system, owner)
	if m == nil {
		return errNoInstall("install", container.InContainer())
	}
	id := service.Gateway(n)
	h, err := a.home()
	var missing *profile.NotFoundError
	if errors.As(err, &missing) {
		return service.NotRegistered(id)
	}
	if err != nil {
		return err
	}
	if m.Installed(id) && o.system && !strings.HasSuffix(m.Name(id), "(system)") {
		return fmt.Errorf("gateway '%s' is a service of %s already: `hermes -p %s gateway uninstall` first", n, m.Name(id), n)
	}
	p := operate.Profiles{Manager: m, Store: profiles}
	if err := p.Install(ctx, h); err != nil {
		return err
	}
	if a.format != "json" {
		fmt.Fprintf(a.Out, "✓ gateway '%s' is a service of %s: %s\n", n, m.Name(id), m.Path(id))
	}
	lingers := o.tellLinger(m.Name(id))
	if o.startNow {
		if err := p.Lifecycle().Act(ctx, operate.Start, n); err != nil {
			return withLog(err, h, a.zone())
		}
	}
	return o.tell(ctx, m, n, lingers)
}

// tell says what was made and what to type next.
func (o *gatewayInstallOptions) tell(ctx context.Context, m hostManager, n profile.Name, lingers bool) error {
	a, id := o.app, service.Gateway(n)
	st, err := m.Status(ctx, id)
	if err != nil {
		return err
	}
	if a.format == "json" {
		return a.json(map[string]any{"action": "install", "profile": n, "manager": m.Name(id), "changed": true, "unit": m.Path(id),
			"lingers": lingers, "status": st})
	}
	switch {
	case o.startNow:
		_, err = fmt.Fprintf(a.Out, "✓ gateway '%s' is ready (pid %d)\n", n, st.PID)
	case !st.Up:
		_, err = fmt.Fprintf(a.Out, "  next: `%s` starts it, now and at every boot\n", service.StartCommand(n))
	default:
		_, err = fmt.Fprintf(a.Out, "  it runs as it did before until it is restarted\n")
	}
	return err
}

// tellLinger reports whether the service runs while its user is not logged in, and warns if it does not.
func (o *gatewayInstallOptions) tellLinger(manager string) bool {
	user := currentUser()
	if !strings.HasSuffix(manager, "systemd (user)") || lingers(user) {
		return true
	}
	fmt.Fprintf(o.app.Err, "! a service of this user ends when the user logs out, and starts at the next login: `loginctl enable-linger %s` lets it run always\n", user)
	return false
}

// serviceUser returns the user that the service is to run as. With --system that is the owner of the home. Without --system it is
// "", because the service then belongs to the user who types the command.
func (o *gatewayInstallOptions) serviceUser(root string) (string, error) {
	a := o.app
	if !o.system {
		if uid, name, err := ownerOf(root); err == nil && os.Geteuid() == 0 && uid > 0 {
			return "", fmt.Errorf("%s belongs to %s: install it as that user, or for the whole system with --system", root, name)
		}
		return "", nil
	}
	command := "hermes gateway install --system"
	if a.profile != "" {
		command = "hermes -p " + a.profile + " gateway install --system"
	}
	if os.Geteuid() > 0 {
		return "", fmt.Errorf("services of the system are root's: `sudo HERMES_HOME=%s %s`", root, command)
	}
	if sudoer := a.getenv("SUDO_USER"); sudoer != "" && a.getenv("HERMES_HOME") == "" {
		return "", fmt.Errorf("under sudo HERMES_HOME would be root's: say whose it is, as in `sudo HERMES_HOME=~%s/.hermes %s`", sudoer, command)
	}
	uid, name, err := ownerOf(root)
	if err != nil {
		return "", fmt.Errorf("cannot tell whom %s belongs to: %w", root, err)
	}
	if uid == 0 && !container.Strict(a.getenv("HERMES_ALLOW_ROOT_GATEWAY")) {
		return "", fmt.Errorf("%s belongs to root, and a gateway does not run as root: `chown` it to the user who is to run it, or set HERMES_ALLOW_ROOT_GATEWAY=1 if you must", root)
	}
	return name, nil
}
