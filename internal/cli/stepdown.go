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
	// asRoot marks commands that do root's work in the image. They run as root if root typed them.
	asRoot = "as-root"
	// staysRoot marks commands that root may run as root. They reach a volume through opened directories only, or they step
	// down by themselves after they have done what only root can do.
	staysRoot = "stays-root"
)

// stepDown makes a command that root typed act as the user whose the home is, before it touches anything. A process of root's
// that works in another user's directories could be led to files that the user may not write. In the image the command becomes the
// runtime user (M15), and on a host the owner of HERMES_HOME.
func (o *rootOptions) stepDown(cmd *cobra.Command) error {
	a := o.app
	if os.Geteuid() != 0 || cmd.Annotations[asRoot] != "" {
		return nil
	}
	if !container.InImage() {
		return o.stepDownOnHost(cmd)
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

// stepDownOnHost turns root into the owner of HERMES_HOME. If gateways of this home are services of the system, the command stays
// root, because only root may start and stop those.
func (o *rootOptions) stepDownOnHost(cmd *cobra.Command) error {
	if cmd.Annotations[staysRoot] != "" || !touchesGateways(cmd) {
		return nil
	}
	if h := o.app.host(false, ""); h != nil && h.Any() {
		return nil
	}
	return o.app.becomeOwner()
}

// becomeRuntimeUser turns this process into one of the image's runtime user. It cannot go back to root.
func (a *app) becomeRuntimeUser() error {
	u, err := container.ExecUser(a.getenv)
	if err != nil {
		return err
	}
	err = container.DropPrivileges(u)
	if errors.Is(err, fs.ErrPermission) {
		if container.Strict(a.getenv("HERMES_ALLOW_ROOT_GATEWAY")) {
			return nil // this root cannot become another user, and was allowed to run everything as it is
		}
		return fmt.Errorf("%w: `docker exec -u %d:%d` starts as that user", err, u.UID, u.GID)
	}
	leaveTerminal()
	return err
}

// becomeOwner turns this process into one of the owner of HERMES_HOME, as volume.Owner tells it. It cannot go back to root. If the owner
// is root nothing changes.
func (a *app) becomeOwner() error {
	root, err := profile.RootFromEnv(a.getenv)
	if err != nil {
		return nil //nolint:nilerr // the command looks for the home too, and reports the error
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
