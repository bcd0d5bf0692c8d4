package container

import "golang.org/x/sys/unix"

// Umask makes this process, and those that it starts, make files as the variable UMASK says. It is for what runs as the
// runtime user: what root makes of the trees, that user must reach. A wrong value is the init's to report.
func Umask(getenv func(string) string) {
	if mask, ok, err := umask(getenv); err == nil && ok {
		unix.Umask(mask)
	}
}
