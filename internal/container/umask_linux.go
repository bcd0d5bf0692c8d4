package container

import "golang.org/x/sys/unix"

// Umask sets the umask of this process, and so of its children, from the variable UMASK. It is only for processes of the runtime
// user, because that user must be able to read the files of the trees that root makes. A wrong value is ignored, since the init
// reports it.
func Umask(getenv func(string) string) {
	if mask, ok, err := umask(getenv); err == nil && ok {
		unix.Umask(mask)
	}
}
