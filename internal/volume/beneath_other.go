//go:build unix && !linux

package volume

import "golang.org/x/sys/unix"

// dirFlags opens a directory as a start for other calls.
const dirFlags = unix.O_RDONLY

// lookFlags opens anything in order to look at it.
const lookFlags = unix.O_RDONLY | fileFlags

// isMountRoot returns false, because on these systems no single file can be a mount.
func isMountRoot(int) bool { return false }

// reserve does nothing, because these systems have no call for it.
func reserve(int, int64) error { return nil }

func openBeneath(at int, name string, flags int, perm uint32) (int, error) {
	return openSteps(at, name, flags, perm)
}

// openHere opens a name directly within an open directory. If another file system is mounted at that name, it returns ErrMount.
func openHere(at int, name string, flags int) (int, error) {
	fd, err := ignoringEINTR(func() (int, error) { return unix.Openat(at, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0) })
	if err != nil {
		return -1, err
	}
	var a, b unix.Stat_t
	err = unix.Fstat(at, &a)
	if err == nil {
		err = unix.Fstat(fd, &b)
	}
	if err == nil && a.Dev != b.Dev {
		err = ErrMount
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
