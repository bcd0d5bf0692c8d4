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

// EndOrphans brings down the s6-supervise processes of the runtime user, and with them their services, after
// the s6-svscan above them was killed (s6-supervise, "Signals": SIGTERM brings the service down and exits). The
// tree that follows starts them anew.
func EndOrphans(ctx context.Context) error {
	// This runs as the finish script of the gateways' tree, below the s6-supervise of the outer tree, and the orphans
	// have come to that one's parent. Where all run as one user the outer s6-supervise is no orphan.
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
				_ = unix.Kill(pid, unix.SIGTERM) // it may just have ended
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

// supervisors lists the s6-supervise processes of gateways, the dashboard and their loggers that are children of a process, but
// one. In an image of another init the same process may be the parent of that init's own.
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

// supervisesOurs reports whether a command line is that of the s6-supervise of one of our services: s6-svscan starts it with the
// name of the service directory, and that of a logger with NAME/log.
func supervisesOurs(cmdline []byte) bool {
	args := strings.Split(strings.TrimRight(string(cmdline), "\x00"), "\x00")
	if len(args) != 2 || filepath.Base(args[0]) != "s6-supervise" {
		return false
	}
	_, ok := service.ParseID(strings.TrimSuffix(args[1], "/log"))
	return ok
}
