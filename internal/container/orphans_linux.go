package container

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// EndOrphans brings down the s6-supervise processes of the runtime user, and with them their services, after
// the s6-svscan above them was killed (s6-supervise, "Signals": SIGTERM brings the service down and exits). The
// tree that follows starts them anew.
func EndOrphans(ctx context.Context) error {
	u, err := RuntimeUser(os.Getenv)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, orphanGrace)
	defer cancel()
	signalled := map[int]bool{}
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		left := supervisors(u.UID)
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

// supervisors lists the s6-supervise processes of a user.
func supervisors(uid int) []int {
	var pids []int
	for _, pid := range others() {
		dir := filepath.Join("/proc", strconv.Itoa(pid))
		comm, err := os.ReadFile(filepath.Join(dir, "comm"))
		if err != nil || strings.TrimSpace(string(comm)) != "s6-supervise" {
			continue
		}
		info, err := os.Stat(dir)
		if err != nil {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) == uid {
			pids = append(pids, pid)
		}
	}
	return pids
}
