package process

import (
	"bytes"
	"os"
	"strconv"
)

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
