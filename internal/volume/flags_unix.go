//go:build unix

package volume

import "syscall"

// openFlags: O_NOFOLLOW refuses a link put there after Lstat, O_NONBLOCK keeps
// open(2) from waiting for a FIFO's writer.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_CLOEXEC
