package container

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"hermes/internal/service/s6"
)

// withContenv runs a program with the container's environment. It is a program of s6-overlay; our image has one of its own that does
// the same.
const withContenv = "/command/with-contenv"

// EnterEnvironment runs this program again with the container's environment; then it does not return. s6-overlay v3 starts a
// container's command with nothing but PATH, and its program with-contenv gives a command the environment, as su(1) does with a
// shell. EnterEnvironment does nothing if no stored environment has a HERMES_HOME, or if the stored environment belongs to a user
// whom this process cannot trust: only root and the process's own user count.
func EnterEnvironment() error {
	dir := Layout{s6.RunDir}.EnvDir()
	fd, err := openDir(dir)
	if err != nil {
		return nil //nolint:nilerr // nobody keeps one
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return nil //nolint:nilerr // the command says that it finds no home
	}
	if !says(filepath.Join(dir, "HERMES_HOME")) {
		return nil // HERMES_HOME would be missing there too
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program: %w", err)
	}
	argv := append([]string{withContenv, self}, os.Args[1:]...)
	if err := unix.Exec(withContenv, argv, os.Environ()); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot take the container's environment with %s: %w", withContenv, err)
	}
	return nil
}

// says reports whether the file of a variable contains a value that is not empty.
func says(path string) bool {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 4096))
	return err == nil && len(bytes.TrimSpace(data)) > 0
}
