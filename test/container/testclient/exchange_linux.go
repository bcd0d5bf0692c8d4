package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exchange swaps pairs of names, given one after the other, until it is killed. It is what somebody does who owns a
// directory and wants a program of root's to walk through a link.
func exchange(args []string) error {
	if len(args) == 0 || len(args)%2 != 0 {
		return errors.New("want pairs of names")
	}
	for {
		for i := 0; i < len(args); i += 2 {
			err := unix.Renameat2(unix.AT_FDCWD, args[i], unix.AT_FDCWD, args[i+1], unix.RENAME_EXCHANGE)
			if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // others swap too, so a name may be away
				return &os.LinkError{Op: "exchange", Old: args[i], New: args[i+1], Err: err}
			}
		}
	}
}
