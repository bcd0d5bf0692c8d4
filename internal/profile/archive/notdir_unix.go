//go:build unix

package archive

import "syscall"

// errNotDir is what the system says of a file where a directory is wanted.
const errNotDir = syscall.ENOTDIR
