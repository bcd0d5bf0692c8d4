//go:build unix && !linux

package volume

import "golang.org/x/sys/unix"

func chownFD(fd, uid, gid int) error { return unix.Fchown(fd, uid, gid) }
