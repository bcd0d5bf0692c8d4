//go:build unix

package s6

import "golang.org/x/sys/unix"

// lockHolder returns the pid of the process that holds a supervisor's lock (fcntl(2), F_GETLK), or 0 if none does or it cannot be
// found out. s6-supervise holds the lock as long as it lives.
func lockHolder(path string) int {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(uintptr(fd), unix.F_GETLK, &lock); err != nil || lock.Type == unix.F_UNLCK {
		return 0
	}
	return int(lock.Pid)
}
