package boot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"hermes/internal/container"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// Setup prepares a container: as root the names of the runtime user's ids, the run-time directories that
// belong to it, and the ownership of the volume. As anybody else it says in a line what it cannot do. What makes
// the container useless is an error; what only some gateway may miss is a line on warn.
func Setup(getenv func(string) string, warn io.Writer) error {
	u, own, err := container.Current(getenv)
	if err != nil {
		return err
	}
	root, err := profile.RootFromEnv(getenv)
	if err != nil {
		return err
	}
	l := container.Layout{Dir: service.RuntimeDir(getenv)}
	scandir := service.ScandirIn(getenv, l.Dir)
	if err := checkScandir(scandir, l, root, own); err != nil {
		return err
	}
	if !own {
		if err := container.NameUser(u); err != nil {
			fmt.Fprintf(warn, "hermes setup: %v\n", err)
		}
	}
	for _, dir := range []string{l.Own(), scandir} {
		if err := freshDir(dir, u, own); err != nil {
			return fmt.Errorf("cannot prepare %s: %w", dir, err)
		}
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return fmt.Errorf("cannot make HERMES_HOME: %w", err)
	}
	if own {
		return setupOwn(getenv, u, root, warn)
	}
	if err := Heal(root, u.UID, u.GID); err != nil {
		fmt.Fprintf(warn, "hermes setup: cannot give %s to uid %d, gateways may be unable to write it: %v\n", root, u.UID, err)
	}
	closeHome(root, u, warn)
	return nil
}

// closeHome takes back what the image grants to containers that do not start as root: there a new volume may be
// written by everybody.
func closeHome(root string, u container.User, warn io.Writer) {
	const open = os.ModeSticky | 0o777
	info, err := os.Lstat(root)
	if err != nil || !info.IsDir() || info.Mode()&(os.ModeSticky|os.ModePerm) != open {
		return
	}
	r, err := os.Open(root)
	if err == nil {
		defer r.Close()
		err = r.Chmod(0o750)
	}
	if err != nil {
		fmt.Fprintf(warn, "hermes setup: everybody may write %s: %v\n", root, err)
	}
}

// setupOwn says what a container that is one user's cannot do. That it cannot write its volume is an error: nothing
// would be kept.
func setupOwn(getenv func(string) string, u container.User, root string, warn io.Writer) error {
	for name, want := range map[string]int{"HERMES_UID": u.UID, "PUID": u.UID, "HERMES_GID": u.GID, "PGID": u.GID} {
		if v := getenv(name); v != "" && v != strconv.Itoa(want) {
			fmt.Fprintf(warn, "hermes setup: %s=%s has no effect: this container runs as %d:%d and cannot become another user; "+
				"leave it out, or start the container as root (no --user)\n", name, v, u.UID, u.GID)
		}
	}
	err := unix.Access(root, unix.R_OK|unix.W_OK|unix.X_OK)
	if err == nil || errors.Is(err, unix.EROFS) { // the gateways say what a read-only volume means
		return nil
	}
	whose := ""
	if info, serr := os.Stat(root); serr == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			whose = fmt.Sprintf("it belongs to %d:%d with mode %04o, and ", st.Uid, st.Gid, st.Mode&0o7777)
		}
	}
	return fmt.Errorf("cannot write %s as %d:%d: %w: %sits owner cannot be changed from here; start the container with that user, "+
		"or `chown -R %d:%d` the volume", root, u.UID, u.GID, err, whose, u.UID, u.GID)
}

// checkScandir refuses a scan directory that is not for run-time files: Setup empties it. It lies below /run, or, where
// there is no root, below the run-time directory in the home or in /tmp or /dev/shm.
func checkScandir(dir string, l container.Layout, home string, own bool) error {
	clean := filepath.Clean(dir)
	inside := func(parent string) bool { return clean == parent || strings.HasPrefix(clean, parent+"/") }
	parents := []string{service.RunDir}
	if own {
		parents = append(parents, filepath.Join(home, filepath.Base(service.HomeRunDir(func(string) string { return home }))), "/tmp", "/dev/shm")
	}
	ok := false
	for _, p := range parents {
		ok = ok || clean != p && inside(p)
	}
	if !ok || inside(l.S6()) || inside(filepath.Join(service.RunDir, "s6")) || inside(l.Own()) {
		return fmt.Errorf("invalid HERMES_S6_SCANDIR=%s: want a directory of its own below %s, it is emptied at every boot", dir, strings.Join(parents, " or "))
	}
	return nil
}

// freshDir empties a directory that a former run of this container left, and gives it to the runtime user. The
// directory itself stays if it exists: it may be a mount.
func freshDir(dir string, u container.User, own bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	// Nothing of the runtime user's runs yet.
	if err := container.Empty(dir); err != nil {
		return err
	}
	if own {
		return nil // it may be one of the image's, for everybody to use
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return errors.Join(d.Chmod(0o755), d.Chown(u.UID, u.GID))
}
