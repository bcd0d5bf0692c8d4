package container

import (
	"fmt"
	"os"
	"syscall"
)

// DropPrivileges makes a root process of the image run as the runtime user from now on (M15), so that the files that it writes
// belong to that user.
func DropPrivileges(u User) error {
	if err := syscall.Setgroups([]int{u.GID}); err != nil {
		return fmt.Errorf("cannot become the runtime user: %w", err)
	}
	if err := syscall.Setgid(u.GID); err != nil {
		return fmt.Errorf("cannot become the runtime user: %w", err)
	}
	if err := syscall.Setuid(u.UID); err != nil {
		return fmt.Errorf("cannot become the runtime user: %w", err)
	}
	for name, value := range map[string]string{"HOME": u.Home, "USER": UserName, "LOGNAME": UserName} {
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("cannot become the runtime user: %w", err)
		}
	}
	return nil
}
