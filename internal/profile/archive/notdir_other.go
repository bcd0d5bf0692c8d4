//go:build !unix

package archive

import "io/fs"

// errNotDir is the system's error for a file in a place where it needs a directory.
var errNotDir = fs.ErrExist
