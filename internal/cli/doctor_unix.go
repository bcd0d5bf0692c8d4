//go:build unix

package cli

import (
	"os"

	"hermes/internal/profile"
)

// fileOwner returns the user and the group to whom the files of a home are to belong on a host: the user who runs this command, or, if
// root runs it, the owner of the home. If gid is -1 they may belong to any group.
func fileOwner(profiles *profile.Store) (uid, gid int) {
	if uid = os.Geteuid(); uid != 0 {
		return uid, -1
	}
	if info, err := profiles.Files().Stat("."); err == nil {
		return info.Owner()
	}
	return 0, 0
}
