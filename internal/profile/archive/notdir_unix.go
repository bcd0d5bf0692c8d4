//go:build unix

package archive

import "syscall"

// errNotDir is the system's error for a file in a place where it needs a directory.
const errNotDir = syscall.ENOTDIR
