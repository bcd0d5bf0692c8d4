// Package logs reads the log directories of gateways, which s6-log writes: a file
// current, and archives named by the TAI64N time at which they were closed. It
// finds the last lines or those since a time across the archives, merges several profiles by time,
// and follows across rotations without losing or doubling a line.
//
// A log directory lies on a volume that somebody else may have filled. What is no regular file is not opened, a line
// has a longest length, a file a longest part that is read, and one bad directory does not
// hide the others. Nothing polls: following waits for the system's notifications.
package logs
