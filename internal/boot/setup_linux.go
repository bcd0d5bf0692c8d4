package boot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hermes/internal/container"
	"hermes/internal/profile"
	"hermes/internal/service/s6"
	"hermes/internal/volume"
)

// Setup prepares a container. As root it writes the runtime user's ids under its name, creates the run-time directories that belong
// to that user, and heals the ownership of the volume. As any other user it writes a line to warn about each thing that it cannot
// do. A problem that makes the container useless is an error; one that concerns only some gateways is a line on warn.
func Setup(getenv func(string) string, warn io.Writer) error {
	u, own, err := container.Current(getenv)
	if err != nil {
		return err
	}
	root, err := profile.RootFromEnv(getenv)
	if err != nil {
		return err
	}
	for _, line := range container.OddSwitches(getenv) {
		fmt.Fprintf(warn, "hermes setup: %s\n", line)
	}
	l := container.Layout{Dir: s6.RuntimeDir(getenv)}
	scandir := s6.ScandirIn(getenv, l.Dir)
	if err := checkScandir(scandir, l, root, own); err != nil {
		return err
	}
	if !own {
		if err := container.NameUser(u); err != nil {
			fmt.Fprintf(warn, "hermes setup: %v\n", err)
		}
	}
	for _, dir := range []string{l.Own(), scandir} {
		err := freshDir(dir, u, own)
		if err != nil && own {
			return fmt.Errorf("cannot prepare %s as %d:%d: %w: mount a tmpfs of that user's: `%s`",
				dir, u.UID, u.GID, err, container.TmpfsOption(u.UID))
		}
		if err != nil {
			return fmt.Errorf("cannot prepare %s: %w", dir, err)
		}
	}
	home := volume.At(root)
	if err := home.MkdirAll(".", 0o755); err != nil {
		return fmt.Errorf("cannot make HERMES_HOME: %w", err)
	}
	if own {
		return setupOwn(getenv, u, home, warn)
	}
	healed, err := Heal(root, u.UID, u.GID)
	if err != nil {
		fmt.Fprintf(warn, "hermes setup: cannot give %s to uid %d, gateways may be unable to write it: %v\n", root, u.UID, err)
	}
	if line := leftAlone(healed, u.UID); line != "" {
		fmt.Fprintf(warn, "hermes setup: %s\n", line)
	}
	closeHome(home, warn)
	return nil
}

// closeHome takes back the rights that the image grants for containers that do not start as root: with those rights everybody may
// write a new volume.
func closeHome(home volume.Dir, warn io.Writer) {
	const open = os.ModeSticky | 0o777
	info, err := home.Lstat(".")
	if err != nil || info.Mode()&(os.ModeSticky|os.ModePerm) != open {
		return
	}
	if err := home.Chmod(".", 0o750); err != nil {
		fmt.Fprintf(warn, "hermes setup: everybody may write %s: %v\n", home.Path("."), err)
	}
}

// setupOwn warns about what a container that runs as one user cannot do. If it cannot write its volume, that is an error, because
// nothing would be kept.
func setupOwn(getenv func(string) string, u container.User, home volume.Dir, warn io.Writer) error {
	for name, want := range map[string]int{"HERMES_UID": u.UID, "PUID": u.UID, "HERMES_GID": u.GID, "PGID": u.GID} {
		if v := getenv(name); v != "" && v != strconv.Itoa(want) {
			fmt.Fprintf(warn, "hermes setup: %s=%s has no effect: this container runs as %d:%d and cannot become another user; "+
				"leave it out, or start the container as root (no --user)\n", name, v, u.UID, u.GID)
		}
	}
	err := home.Writable(".")
	if err == nil || errors.Is(err, unix.EROFS) { // the gateways report a read-only volume themselves
		return nil
	}
	whose := ""
	root := home.Path(".")
	if info, serr := home.Stat("."); serr == nil {
		uid, gid := info.Owner()
		whose = fmt.Sprintf("it belongs to %d:%d with mode %04o, and ", uid, gid, info.Mode().Perm())
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("cannot write %s as %d:%d: %w: %sits owner cannot be changed from here; start the container with that user, "+
		"or `chown -R %d:%d` the volume", root, u.UID, u.GID, err, whose, u.UID, u.GID)
}

// checkScandir refuses a scan directory that is not for run-time files, because Setup empties it. The scan directory must be below
// /run or, if there is no root, below the run-time directory in the home, in /tmp or in /dev/shm.
func checkScandir(dir string, l container.Layout, home string, own bool) error {
	clean := filepath.Clean(dir)
	inside := func(parent string) bool { return clean == parent || strings.HasPrefix(clean, parent+"/") }
	parents := []string{s6.RunDir}
	if own {
		parents = append(parents, filepath.Join(home, filepath.Base(s6.HomeRunDir(func(string) string { return home }))), "/tmp", "/dev/shm")
	}
	ok := false
	for _, p := range parents {
		ok = ok || clean != p && inside(p)
	}
	if !ok || inside(l.S6()) || inside(filepath.Join(s6.RunDir, "s6")) || inside(l.Own()) {
		return fmt.Errorf("invalid HERMES_S6_SCANDIR=%s: want a directory of its own below %s, it is emptied at every boot", dir, strings.Join(parents, " or "))
	}
	return nil
}

// freshDir empties a directory that an earlier run of this container left, and gives it to the runtime user. It keeps the directory
// itself, because it may be a mount.
func freshDir(dir string, u container.User, own bool) error {
	d := volume.At(dir)
	if err := d.MkdirAll(".", 0o755); err != nil {
		return err
	}
	// No process of the runtime user runs yet.
	if err := container.Empty(dir); err != nil {
		return err
	}
	if own { // the directory may be the image's, which everybody may use
		if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
			return &fs.PathError{Op: "write", Path: dir, Err: err}
		}
		return nil
	}
	return errors.Join(d.Chmod(".", 0o755), d.Chown(".", u.UID, u.GID))
}
