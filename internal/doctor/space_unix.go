//go:build linux || darwin

package doctor

import (
	"golang.org/x/sys/unix"

	"hermes/internal/volume"
)

// free returns how many bytes an unprivileged process can still write and how many files it can create. File systems that do not
// count files have room for any number.
func free(dir volume.Dir) (bytes, files uint64, ok bool) {
	var st unix.Statfs_t
	if err := dir.Descriptor(".", func(fd int) error { return unix.Fstatfs(fd, &st) }); err != nil || st.Blocks == 0 {
		return 0, 0, false
	}
	files = ^uint64(0)
	if st.Files > 0 {
		files = st.Ffree
	}
	return st.Bavail * uint64(st.Bsize), files, true
}
