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

// withContenv runs a program with the container's environment: s6-overlay's, and in the image one of our own that does the
// same.
const withContenv = "/command/with-contenv"

// EnterEnvironment runs this program again with the container's environment, and does not return then. s6-overlay v3 starts a
// container's command with PATH and nothing else, and leaves the environment to be asked for with its with-contenv, as su(1) does
// with a shell. Where nobody keeps an environment with a HERMES_HOME nothing happens, nor where somebody keeps it whom this
// process has no reason to believe: only root and the process's own user count.
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
		return nil // it would not be known then either
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

// says reports whether a file that holds a variable's value makes it one that is not empty.
func says(path string) bool {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 4096))
	return err == nil && len(bytes.TrimSpace(data)) > 0
}
