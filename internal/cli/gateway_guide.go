package cli

import (
	"fmt"

	"hermes/internal/service"
)

// guide is what `gateway install` and `gateway uninstall` do if s6 or `hermes up` supervises (M12). It prints what to do instead: s6 or
// up. done is false if neither supervises; the command then does its work. If `hermes up` supervises and the gateway is a service of
// the host all the same, uninstall does its work, too.
func (a *app) guide(action, s6, up string) (done bool, err error) {
	m := a.manager()
	words := ""
	switch {
	case m == nil:
	case m.Kind() == service.KindS6:
		words = s6
	case m.Kind() == service.KindLocal:
		words = up
	}
	if split, ok := m.(service.Split); ok && action == "uninstall" {
		if n, nerr := a.name(); nerr == nil && split.Installed(service.Gateway(n)) {
			words = ""
		}
	}
	if words == "" {
		return false, nil
	}
	if a.format == "json" {
		return true, a.json(map[string]any{"action": action, "manager": m.Kind(), "changed": false, "guidance": words})
	}
	_, err = fmt.Fprintln(a.Out, words)
	return true, err
}

// errNoInstall is the error of install and uninstall if there is no service manager to use.
func errNoInstall(action string, inContainer bool) error {
	if inContainer {
		return fmt.Errorf("cannot %s a service: no service manager runs in this container; start the container with the image's "+
			"own entrypoint, which supervises every profile, or run `hermes gateway run` as its command and let docker restart it", action)
	}
	return fmt.Errorf("cannot %s a service: this host runs no service manager that hermes knows (systemd, launchd, Windows services); "+
		"`hermes up -d` supervises all gateways, or let your init system run `hermes gateway run`, which stays in the foreground", action)
}
