package container

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"hermes/internal/environment"
	"hermes/internal/service/s6"
)

// place chooses the run-time directory and removes what the last run left there. Root uses only /run, because the home belongs to
// the runtime user. Any other user may fall back to a directory in the home. scripts says that scripts will be executed there.
func place(own, scripts bool) (Layout, error) {
	run := Layout{s6.RunDir}
	err := run.prepare(scripts)
	if err == nil {
		return run, nil
	}
	way := "mount a tmpfs there: `" + TmpfsOption(os.Geteuid()) + "`"
	if !own || os.Geteuid() == 0 {
		return run, fmt.Errorf("%s cannot be used: %w: %s", s6.RunDir, err, way)
	}
	home := Layout{s6.HomeRunDir(environment.Get)}
	if herr := home.prepareHome(scripts); herr != nil {
		return home, fmt.Errorf("there is no place for the supervision tree: %s: %w; %s: %w: %s", run.Dir, err, home.Dir, herr, way)
	}
	fmt.Fprintf(os.Stderr, "hermes: %s cannot be used (%v), the supervision tree is in %s; %s\n", run.Dir, err, home.Dir, way)
	return home, nil
}

// TmpfsOption is the option of docker run with which a user can write s6.RunDir. It sets the user and not the mode, because runc up
// to 1.1 gives a tmpfs the mode of the directory below it, whatever mode was asked for.
func TmpfsOption(uid int) string {
	option := "docker run --tmpfs " + s6.RunDir + ":exec"
	if uid != 0 {
		option += fmt.Sprintf(",uid=%d", uid)
	}
	return option + " ..."
}

// prepareHome is prepare for a directory on the volume, which another container may be using.
func (l Layout) prepareHome(scripts bool) error {
	if s6.HasReader(filepath.Join(l.TreeDir(), ".s6-svscan", "control")) {
		return errors.New("another container uses this volume")
	}
	if err := os.Mkdir(l.Dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Join(l.Dir, "service"), 0o755); err != nil {
		return err
	}
	return l.prepare(scripts)
}

// prepare empties the directory of the outer tree and checks that the trees can work there.
func (l Layout) prepare(scripts bool) error {
	if os.Geteuid() == 0 {
		if err := os.MkdirAll(l.Dir, 0o755); err != nil {
			return err
		}
		// Everybody may write docker's --tmpfs, and the directories in the image that are there for containers that do not start as
		// root. When root's tree uses them, only root may.
		if err := os.Chmod(l.Dir, 0o755); err != nil {
			return err
		}
		if err := os.RemoveAll(l.S6()); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(l.S6(), 0o755); err != nil {
		return err
	}
	if scripts && s6.NoExec(l.S6()) {
		if _, err := os.Stat(s6.Launcher); err != nil {
			return errors.New("nothing can be executed there (mount option noexec)")
		}
	}
	if err := Empty(l.S6()); err != nil {
		return err
	}
	// `hermes boot setup` creates the gateways' directories later. Here it only matters that they can be created.
	for _, dir := range []string{l.Own(), filepath.Join(l.Dir, "service")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
			return &os.PathError{Op: "write", Path: dir, Err: err}
		}
	}
	return nil
}

// Empty removes everything in a directory. It keeps the directory itself, which may be a mount or belong to another user. No element
// of the path may be a symbolic link, and no link in the directory is followed.
func Empty(dir string) error {
	fd, err := openDir(dir)
	if err != nil {
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer unix.Close(fd)
	// Use the descriptor that was checked, because the name may stand for another directory by now.
	r, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", fd))
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
	return nil
}
