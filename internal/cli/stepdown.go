package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/profile"
	"hermes/internal/volume"
)

const (
	// asRoot marks commands that are root's own business in the image.
	asRoot = "as-root"
	// staysRoot marks commands that root may run as root: they reach a volume through opened directories only, or step
	// down by themselves once they have done what only root can do.
	staysRoot = "stays-root"
)

// stepDown makes a command that root typed act as the user whose the home is, before it touches anything: a program of
// root's that works in directories of another user would do that user's bidding. In the image that is M15; on a host it
// is the owner of HERMES_HOME.
func (a *app) stepDown(cmd *cobra.Command) error {
	if os.Geteuid() != 0 || cmd.Annotations[asRoot] != "" {
		return nil
	}
	if !container.InImage() {
		return a.stepDownOnHost(cmd)
	}
	if container.Strict(a.getenv("HERMES_DOCKER_EXEC_AS_ROOT")) {
		if cmd.Annotations[staysRoot] != "" {
			return nil
		}
		if touchesGateways(cmd) {
			fmt.Fprintln(a.Err, "hermes: HERMES_DOCKER_EXEC_AS_ROOT does not count for this command, which works in files of the runtime user's: it steps down all the same")
		}
	}
	return a.becomeRuntimeUser()
}

// becomeRuntimeUser steps down in the image, for good.
func (a *app) becomeRuntimeUser() error {
	u, err := container.ExecUser(a.getenv)
	if err != nil {
		return err
	}
	err = container.DropPrivileges(u)
	if errors.Is(err, fs.ErrPermission) {
		if container.Strict(a.getenv("HERMES_ALLOW_ROOT_GATEWAY")) {
			return nil // root that can become nobody runs everything here
		}
		return fmt.Errorf("%w: `docker exec -u %d:%d` starts as that user", err, u.UID, u.GID)
	}
	leaveTerminal()
	return err
}

// stepDownOnHost steps down to the owner of HERMES_HOME. What the system's service manager runs is root's to start and
// stop, so the commands for that stay root.
func (a *app) stepDownOnHost(cmd *cobra.Command) error {
	if cmd.Annotations[staysRoot] != "" || !touchesGateways(cmd) {
		return nil
	}
	if h := a.host(false, ""); h != nil && h.Any() {
		return nil
	}
	return a.becomeOwner()
}

// becomeOwner steps down to the owner of HERMES_HOME, for good. A home of root's own is root's.
func (a *app) becomeOwner() error {
	root, err := profile.RootFromEnv(a.getenv)
	if err != nil {
		return nil //nolint:nilerr // the command says so itself
	}
	uid, gid, err := volume.Owner(root)
	if errors.Is(err, errors.ErrUnsupported) || err == nil && uid == 0 {
		return nil
	}
	if err == nil {
		err = becomeUser(uid, gid)
	}
	if err != nil {
		return fmt.Errorf("cannot act as uid %d, whose %s is: %w", uid, root, err)
	}
	return nil
}
