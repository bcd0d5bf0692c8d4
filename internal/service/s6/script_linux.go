package s6

import "golang.org/x/sys/unix"

// NoExec reports whether the file system of a directory forbids execution (mount(8), noexec).
func NoExec(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && st.Flags&unix.MS_NOEXEC != 0
}
