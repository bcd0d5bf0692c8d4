//go:build unix

package cli

import (
	"os"
	"syscall"
)

// fileOwner returns who the files of a volume are to belong to on a host: whoever runs this, or, for root, the
// owner of the volume. gid -1 leaves the group open.
func fileOwner(root string) (uid, gid int, isRoot bool) {
	uid = os.Geteuid()
	if uid != 0 {
		return uid, -1, false
	}
	if info, err := os.Stat(root); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			return int(st.Uid), int(st.Gid), true
		}
	}
	return 0, 0, true
}
