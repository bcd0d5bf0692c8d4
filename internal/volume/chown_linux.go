package volume

import "golang.org/x/sys/unix"

// chownFD works for every descriptor, even for one that was opened with O_PATH.
func chownFD(fd, uid, gid int) error { return unix.Fchownat(fd, "", uid, gid, unix.AT_EMPTY_PATH) }
