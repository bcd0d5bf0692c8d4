//go:build unix

package volume

import (
	"io/fs"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// replace writes a temporary file, syncs it, and renames it. renameio's WriteFile would try the system's
// directory for temporary files first, and would keep the mode of what it replaces.
func replace(path string, data []byte, perm fs.FileMode) error {
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(perm))
	if err != nil {
		return err
	}
	defer func() { _ = f.Cleanup() }() // nothing is left to do after a rename
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := give(f.File, filepath.Dir(path)); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}
