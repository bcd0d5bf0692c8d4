package container

import (
	"fmt"
	"strconv"
)

// umask returns the value of the variable UMASK, an octal number, as in other images. ok is false if it is not set. A value that
// takes rights from the owner of a file is an error, because the runtime user could not use its own files.
func umask(getenv func(string) string) (mask int, ok bool, err error) {
	v := getenv("UMASK")
	if v == "" {
		return 0, false, nil
	}
	n, err := strconv.ParseUint(v, 8, 32)
	if err != nil || n > 0o077 {
		return 0, false, fmt.Errorf("invalid UMASK=%q: want an octal number from 000 to 077, like 022", v)
	}
	return int(n), true, nil
}
