// Package volume reads and writes files in directories that somebody else may
// have filled: a mounted volume, a home shared with another tool.
//
// Everything is reached through a Dir: a directory that is opened once. A name
// below it never leads out of it and never over a symbolic link, also not while
// somebody exchanges directories for links; nothing blocks on a FIFO, reads a
// device, or reads more than it was told to. Writes replace a file atomically,
// so a reader sees the old content or the new, never half.
//
// What root makes belongs to whom the directory around it belongs.
package volume
