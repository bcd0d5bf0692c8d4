package process

import (
	"bytes"
	"os"
	"strconv"
)

// Resident returns how many bytes of memory a process has for itself, and how many of the pages that it has in memory belong to files,
// which it shares with others of the same program; zeros if that cannot be read. The kernel keeps these numbers (proc_pid_statm(5)), where
// PSS makes it walk through all pages: a hundredth of the time. They are exact to some pages.
func Resident(pid int) (private, shared int64) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, 0
	}
	f := bytes.Fields(data)
	if len(f) < 3 {
		return 0, 0
	}
	all, _ := strconv.ParseInt(string(f[1]), 10, 64)
	shared, _ = strconv.ParseInt(string(f[2]), 10, 64)
	page := int64(os.Getpagesize())
	return max(all-shared, 0) * page, shared * page
}

// PSS returns a process's proportional set size in bytes (proc_pid_smaps(5)), or 0 if it cannot be
// read. Resident size would count the pages that all gateways share in each of them.
func PSS(pid int) int64 {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(data) {
		f := bytes.Fields(line)
		if len(f) >= 2 && string(f[0]) == "Pss:" {
			kb, _ := strconv.ParseInt(string(f[1]), 10, 64)
			return kb << 10
		}
	}
	return 0
}
