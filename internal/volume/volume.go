package volume

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNotRegular reports something else than a regular file where a file is
// expected: a directory, a symbolic link, a FIFO, a device, a socket.
var ErrNotRegular = errors.New("not a regular file")

// ErrTooLarge reports a file over the limit that the caller gave.
var ErrTooLarge = errors.New("too large")

// Open opens an existing regular file for reading. It does not follow a
// symbolic link and does not block on a FIFO. Errors wrap fs.ErrNotExist,
// fs.ErrPermission or ErrNotRegular.
func Open(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, notRegular(path, info.Mode())
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	// What was looked at may not be what was opened.
	info, err = f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notRegular(path, info.Mode())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ReadFile returns the content of a regular file of at most limit bytes.
// Errors are those of Open, and ErrTooLarge.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: %w: over %d bytes", path, ErrTooLarge, limit)
	}
	return data, nil
}

// WriteFile replaces path with a regular file of that content, atomically: a
// temporary file in the same directory, fsync, rename. Its mode is perm less the
// umask, whatever was there before. An existing symbolic link at path is replaced, not followed.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return notRegular(path, info.Mode())
	}
	if err := replace(path, data, perm); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// IsDir reports whether path is a directory and not a symbolic link to one.
func IsDir(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is %s, not a directory", path, Kind(info.Mode()))
	}
	return nil
}

// Kind names the type of a file the way a person would.
func Kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a file"
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

func notRegular(path string, mode fs.FileMode) error {
	return fmt.Errorf("%s is %s: %w", filepath.Clean(path), Kind(mode), ErrNotRegular)
}
