//go:build unix

package volume

import (
	"strings"

	"golang.org/x/sys/unix"
)

// openSteps opens a name below an open directory on a kernel that cannot safely look up a whole name. It opens one element after the
// other, each from the descriptor of the one before, and refuses links.
func openSteps(at int, name string, flags int, perm uint32) (int, error) {
	elements := strings.Split(name, "/")
	from := at
	for _, e := range elements[:len(elements)-1] {
		next, err := openElement(from, e)
		if from != at {
			unix.Close(from)
		}
		if err != nil {
			return -1, err
		}
		from = next
	}
	fd, err := ignoringEINTR(func() (int, error) {
		return unix.Openat(from, elements[len(elements)-1], flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, perm)
	})
	if from != at {
		unix.Close(from)
	}
	return fd, err
}
