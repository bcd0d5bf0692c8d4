//go:build unix

package volume

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Writable returns nil if this process may make files in a directory, else why not (access(2)).
func Writable(dir string) error {
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("cannot write %s: %w", dir, err)
	}
	return nil
}
