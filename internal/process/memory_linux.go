package process

import (
	"bytes"
	"os"
	"strconv"
)

// Resident returns how many bytes of memory a process has in RAM that it shares with no file, and how many belong to files, which
// processes of the same program share. It returns zeros if that cannot be read. The kernel keeps these numbers (proc_pid_statm(5)),
// so reading them takes a hundredth of the time that PSS takes, for which the kernel walks through all pages. They may be wrong by a
// few pages.
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

// PSS returns a process's proportional set size in bytes (proc_pid_smaps(5)), or 0 if it cannot be read. The resident size would
// count the pages that all gateways share once for each gateway.
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
