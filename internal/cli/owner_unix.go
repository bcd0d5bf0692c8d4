//go:build unix

package cli

import (
	"errors"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// ownerOf returns the owner of a directory. If the owner has no name, name is the number.
func ownerOf(path string) (uid int, name string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, "", err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, "", errors.ErrUnsupported
	}
	id := strconv.FormatUint(uint64(st.Uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return int(st.Uid), u.Username, nil
	}
	return int(st.Uid), id, nil
}

// currentUser returns the name of the user that this process runs as, or the number if there is no name.
func currentUser() string {
	id := strconv.Itoa(os.Geteuid())
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
