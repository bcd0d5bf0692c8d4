//go:build unix

package access

import "io/fs"

// readByOthers reports whether a file's mode lets others than the owner read or write it.
func readByOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
