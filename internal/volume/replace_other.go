//go:build !unix

package volume

import (
	"io/fs"
	"os"
)

// replace is not atomic here: the system has no rename that is.
func replace(path string, data []byte, perm fs.FileMode) error { return os.WriteFile(path, data, perm) }
