// Package volume reads and writes files in directories that other users or programs may have filled: a mounted volume, or a home
// that another tool uses too.
//
// Everything is reached through a Dir, a directory that is opened once. A name below it never leads out of it and never over a
// symbolic link, even if somebody exchanges directories for links meanwhile. Nothing blocks on a FIFO, reads a device, or reads more
// than the caller allows. A write replaces a file atomically, so a reader sees either the old content or the new one.
//
// What root creates gets the owner of the directory in which it lies.
package volume
