//go:build !linux

package local

import (
	"os"
	"path/filepath"
)

// shortPath calls use with a path of a socket that is short enough. If path itself is too long, it is one through a link in a
// private directory.
func shortPath(path string, use func(string) error) error {
	if len(path) <= maxSocketPath {
		return use(path)
	}
	tmp, err := os.MkdirTemp("", "up")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	link := filepath.Join(tmp, "d")
	if err := os.Symlink(filepath.Dir(path), link); err != nil {
		return err
	}
	return use(filepath.Join(link, filepath.Base(path)))
}
