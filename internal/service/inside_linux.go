package service

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Inside reports whether this process belongs to the process pid: descends from it, or shares the session
// that it leads. s6-supervise makes every service the leader of a session.
func Inside(pid int) bool {
	if pid <= 1 {
		return false
	}
	if sid, err := unix.Getsid(0); err == nil && sid == pid {
		return true
	}
	for p := os.Getpid(); p > 1; p = parent(p) {
		if p == pid {
			return true
		}
	}
	return false
}

// parent returns the parent of a process, or 0 (proc_pid_stat(5), field 4).
func parent(pid int) int {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	// The second field is the program's name, in parentheses, and may hold anything.
	f := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(f) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(string(f[1]))
	return ppid
}
