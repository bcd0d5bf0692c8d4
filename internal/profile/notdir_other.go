//go:build !unix

package profile

import "io/fs"

// errNotDir is what the system says of a file where a directory is wanted.
var errNotDir = fs.ErrExist
