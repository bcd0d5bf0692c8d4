//go:build unix

package s6

import (
	"path/filepath"
	"syscall"

	"hermes/internal/service"
)

// DefaultScandir is the scan directory of the gateways in the image.
const DefaultScandir = "/run/service"

// Scandir returns HERMES_S6_SCANDIR, or the default scan directory in RuntimeDir.
func Scandir(getenv func(string) string) string { return ScandirIn(getenv, RuntimeDir(getenv)) }

// ScandirIn is Scandir for a given run-time directory.
func ScandirIn(getenv func(string) string, dir string) string {
	if dir := getenv("HERMES_S6_SCANDIR"); dir != "" {
		return dir
	}
	return filepath.Join(dir, "service")
}

// Detect reports whether an s6-svscan supervises the scan directory. If so, the control FIFO has a reader; opening a FIFO for
// writing without blocking fails with ENXIO if it has no reader (fifo(7)). What runs as PID 1 does not matter, because a supervisor
// need not be PID 1.
func Detect(scandir string) service.Kind {
	if HasReader(filepath.Join(scandir, ".s6-svscan", "control")) {
		return service.KindS6
	}
	return service.KindNone
}

// HasReader reports whether path is a FIFO that a process has open for reading.
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
	// If another user's FIFO refuses us, we cannot send commands to its supervisor either.
	return false
}
