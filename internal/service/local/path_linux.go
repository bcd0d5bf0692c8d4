package local

import (
	"cmp"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"

	"hermes/internal/volume"
)

// shortPath calls use with a path of a socket that is short enough (unix(7)). If path itself is too long, it is one through an open
// descriptor of its directory.
func shortPath(path string, use func(string) error) error {
	if len(path) <= maxSocketPath {
		return use(path)
	}
	dir, name := volume.Split(path)
	var used error
	err := dir.Descriptor(".", func(fd int) error {
		used = use(fmt.Sprintf("/proc/self/fd/%d/%s", fd, name))
		return nil
	})
	return cmp.Or(used, err)
}

// peer returns the user of the process at the other end.
func peer(c *net.UnixConn) (uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	cerr := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if cerr != nil || err != nil {
		return 0, errors.Join(cerr, err)
	}
	return int(cred.Uid), nil
}
