package volume

import (
	"errors"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// dirFlags opens a directory as a start for other calls. O_PATH needs no right to list it.
const dirFlags = unix.O_PATH

// lookFlags opens anything in order to look at it, without a right to read it.
const lookFlags = unix.O_PATH

// old is set once it is known that openat2 does not work here.
var old atomic.Bool

// missing reports whether an error of openat2 means that there is no such call. Before Linux 5.6 that is ENOSYS; a seccomp filter
// from before that version may answer EPERM to calls that it does not know. If the call exists, EPERM is about the file.
func missing(err error) bool {
	return errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) && refused()
}

// refused makes one call of openat2 that fails only if the call itself is refused.
var refused = sync.OnceValue(func() bool {
	fd, err := unix.Openat2(unix.AT_FDCWD, "/", &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC})
	if err == nil {
		unix.Close(fd)
	}
	return errors.Is(err, unix.EPERM)
})

// openBeneath opens a name below an open directory. The kernel makes sure that no element is a link and that the name does not lead
// out of the directory (openat2(2)).
func openBeneath(at int, name string, flags int, perm uint32) (int, error) {
	if old.Load() {
		return openSteps(at, name, flags, perm)
	}
	how := &unix.OpenHow{Flags: uint64(flags | unix.O_NOFOLLOW | unix.O_CLOEXEC), Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
	if flags&unix.O_CREAT != 0 {
		how.Mode = uint64(perm)
	}
	for {
		fd, err := unix.Openat2(at, name, how)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue // EAGAIN: something on the way was renamed meanwhile
		case missing(err):
			old.Store(true)
			return openSteps(at, name, flags, perm)
		}
		return fd, err
	}
}

// openHere opens a name directly within an open directory. If something is mounted at that name, it returns ErrMount.
func openHere(at int, name string, flags int) (int, error) {
	if !old.Load() {
		for {
			fd, err := unix.Openat2(at, name, &unix.OpenHow{Flags: uint64(flags | unix.O_NOFOLLOW | unix.O_CLOEXEC),
				Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV})
			switch {
			case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
				continue
			case errors.Is(err, unix.EXDEV):
				return -1, ErrMount
			case missing(err):
				old.Store(true)
			default:
				return fd, err
			}
			break
		}
	}
	fd, err := ignoringEINTR(func() (int, error) { return unix.Openat(at, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0) })
	if err != nil {
		return -1, err
	}
	if same, err := sameMount(at, fd); err != nil || !same {
		unix.Close(fd)
		if err == nil {
			err = ErrMount
		}
		return -1, err
	}
	return fd, nil
}
