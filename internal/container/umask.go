package container

import (
	"fmt"
	"strconv"
)

// umask returns what the variable UMASK says, as other images have it: an octal number. ok is false if it is not set. One that
// takes rights from a file's owner would lock the runtime user out of its own files, and is an error.
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
