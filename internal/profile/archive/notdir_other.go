//go:build !unix

package archive

import "io/fs"

// errNotDir is what the system says of a file where a directory is wanted.
var errNotDir = fs.ErrExist
