// Package volume reads and writes files in directories that somebody else may
// have filled: a mounted volume, a home shared with another tool.
//
// Nothing here follows a symbolic link in the last element of a path, blocks on
// a FIFO, reads a device, or reads more than it was told to. Writes replace a
// file atomically, so a reader sees the old content or the new, never half.
package volume
