// Package logs reads the log directories of gateways. s6-log writes them: a file called current, and archives named by the TAI64N
// time at which they were closed. The package finds the last lines, or the lines since a time, across the archives. It merges the
// logs of several profiles by time, and follows them across rotations without losing or repeating a line.
//
// A log directory lies on a volume that other programs can write. So the package opens only regular files, limits the length of a
// line and how much of a file it reads, and one bad directory does not hide the others. It does not poll: to follow logs, it waits
// for notifications of the system.
package logs
