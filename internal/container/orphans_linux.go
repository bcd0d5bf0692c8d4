package container

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hermes/internal/process"
	"hermes/internal/service"
)

// EndOrphans ends the s6-supervise processes of the runtime user, and with them their services, after the s6-svscan above them was
// killed (s6-supervise, "Signals": SIGTERM brings the service down and exits). The next tree starts them anew.
func EndOrphans(ctx context.Context) error {
	// This runs as the finish script of the gateways' tree, below the s6-supervise of the outer tree. The parent of that
	// s6-supervise is now the parent of the orphans too. If everything runs as one user, the outer s6-supervise must not be taken
	// for an orphan.
	parent := os.Getppid()
	above, _ := process.Read(parent)
	ctx, cancel := context.WithTimeout(ctx, orphanGrace)
	defer cancel()
	signalled := map[int]bool{}
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		left := supervisors(above.Parent, parent)
		if len(left) == 0 {
			return nil
		}
		for _, pid := range left {
			if !signalled[pid] {
				_ = unix.Kill(pid, unix.SIGTERM) // the process may have ended just now
				signalled[pid] = true
			}
		}
		select {
		case <-ctx.Done():
			for _, pid := range left {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
			return fmt.Errorf("%d supervisors of the former tree did not end in %s and were killed", len(left), orphanGrace)
		case <-time.After(pause):
		}
	}
}

// supervisors lists the s6-supervise processes of gateways, the dashboard and their loggers that are children of parent, except the
// process but. In an image with another init, the same parent may have s6-supervise processes of that init, which do not count.
func supervisors(parent, but int) []int {
	var pids []int
	for _, pid := range process.Children(parent) {
		if pid == but {
			continue
		}
		cmdline, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		if err == nil && supervisesOurs(cmdline) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// supervisesOurs reports whether a command line is that of an s6-supervise of one of our services. s6-svscan starts it with the name
// of the service directory, and that of a logger with NAME/log.
func supervisesOurs(cmdline []byte) bool {
	args := strings.Split(strings.TrimRight(string(cmdline), "\x00"), "\x00")
	if len(args) != 2 || filepath.Base(args[0]) != "s6-supervise" {
		return false
	}
	_, ok := service.ParseID(strings.TrimSuffix(args[1], "/log"))
	return ok
}
