//go:build unix

package cli

import (
	"os"

	"hermes/internal/profile"
)

// fileOwner returns who the files of a volume are to belong to on a host: whoever runs this, or, for root, the
// owner of the volume. gid -1 leaves the group open.
func fileOwner(store *profile.Store) (uid, gid int) {
	if uid = os.Geteuid(); uid != 0 {
		return uid, -1
	}
	if info, err := store.Files().Stat("."); err == nil {
		return info.Owner()
	}
	return 0, 0
}
