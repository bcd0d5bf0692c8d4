package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exchange swaps the names of each pair of arguments until it is killed. An attacker who owns a directory does the same to make a
// program of root's walk through a link.
func exchange(args []string) error {
	if len(args) == 0 || len(args)%2 != 0 {
		return errors.New("want pairs of names")
	}
	for {
		for i := 0; i < len(args); i += 2 {
			err := unix.Renameat2(unix.AT_FDCWD, args[i], unix.AT_FDCWD, args[i+1], unix.RENAME_EXCHANGE)
			if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // another swap may have a name away
				return &os.LinkError{Op: "exchange", Old: args[i], New: args[i+1], Err: err}
			}
		}
	}
}
