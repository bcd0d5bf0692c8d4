package systemd

import (
	"os"
	"path/filepath"
)

// Lingers reports whether the services of a user run while the user is not logged in (loginctl(1), enable-linger).
func Lingers(user string) bool {
	_, err := os.Lstat(filepath.Join("/var/lib/systemd/linger", user))
	return err == nil
}
