package boot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"hermes/internal/container"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// Setup prepares a container as root: the names of the runtime user's ids, the run-time directories that
// belong to it, and the ownership of the volume. What makes the container useless is an
// error; what only some gateway may miss is a line on warn.
func Setup(getenv func(string) string, warn io.Writer) error {
	u, err := container.RuntimeUser(getenv)
	if err != nil {
		return err
	}
	if err := container.NameUser(u); err != nil {
		fmt.Fprintf(warn, "hermes setup: %v\n", err)
	}
	scandir := service.Scandir(getenv)
	if err := checkScandir(scandir); err != nil {
		return err
	}
	for _, dir := range []string{container.RunDir, scandir} {
		if err := freshDir(dir, u); err != nil {
			return fmt.Errorf("cannot prepare %s: %w", dir, err)
		}
	}
	root, err := profile.RootFromEnv(getenv)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return fmt.Errorf("cannot make HERMES_HOME: %w", err)
	}
	if err := Heal(root, u.UID, u.GID); err != nil {
		fmt.Fprintf(warn, "hermes setup: cannot give %s to uid %d, gateways may be unable to write it: %v\n", root, u.UID, err)
	}
	return nil
}

// checkScandir refuses a scan directory that is not for run-time files: Setup empties it.
func checkScandir(dir string) error {
	clean := filepath.Clean(dir)
	inside := func(parent string) bool { return clean == parent || strings.HasPrefix(clean, parent+"/") }
	if clean == "/run" || !inside("/run") || inside(container.RunS6) {
		return fmt.Errorf("invalid HERMES_S6_SCANDIR=%s: want a directory of its own below /run, it is emptied at every boot", dir)
	}
	return nil
}

// freshDir empties a directory that a former run of this container left, and gives it to the runtime user. The
// directory itself stays if it exists: it may be a mount.
func freshDir(dir string, u container.User) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	// Nothing of the runtime user's runs yet, and a Root does not leave its directory.
	r, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	d, err := r.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := r.RemoveAll(name); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
		}
	}
	return errors.Join(d.Chmod(0o755), d.Chown(u.UID, u.GID))
}
