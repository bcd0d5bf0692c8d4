//go:build unix

package s6

import (
	"path/filepath"
	"syscall"

	"hermes/internal/service"
)

// DefaultScandir is where gateways are supervised in the image.
const DefaultScandir = "/run/service"

// Scandir returns HERMES_S6_SCANDIR or its default, which is in RuntimeDir.
func Scandir(getenv func(string) string) string { return ScandirIn(getenv, RuntimeDir(getenv)) }

// ScandirIn is Scandir for a run-time directory that is known.
func ScandirIn(getenv func(string) string, dir string) string {
	if dir := getenv("HERMES_S6_SCANDIR"); dir != "" {
		return dir
	}
	return filepath.Join(dir, "service")
}

// Detect tells whether an s6-svscan supervises the scan directory. It does exactly
// when the control FIFO has a reader: opening a FIFO for writing without
// blocking fails with ENXIO if nobody reads it (fifo(7)). What runs as PID 1 decides
// nothing: a supervisor need not be PID 1.
func Detect(scandir string) service.Kind {
	if HasReader(filepath.Join(scandir, ".s6-svscan", "control")) {
		return service.KindS6
	}
	return service.KindNone
}

// HasReader reports whether path is a FIFO that some process reads.
func HasReader(path string) bool {
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return false
	}
	fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err == nil {
		syscall.Close(fd)
		return true
	}
	// Another user's FIFO refuses us; then we cannot command its supervisor either.
	return false
}
