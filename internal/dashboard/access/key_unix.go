//go:build unix

package access

import "io/fs"

// readByOthers reports whether others than the owner can read a file, or could write it.
func readByOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
