package process

import (
	"bytes"
	"os"
	"strconv"
)

// Read returns what the kernel tells about a process, even if it is a zombie. ok is false if no process has that pid.
func Read(pid int) (s Stat, ok bool) {
	if pid <= 0 {
		return Stat{}, false
	}
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Stat{}, false
	}
	return parse(data)
}

// parse reads the content of /proc/PID/stat.
func parse(data []byte) (s Stat, ok bool) {
	// The second field is the program's name in parentheses. The name may contain any character, parentheses too.
	begin, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if begin < 0 || end < begin {
		return Stat{}, false
	}
	f := bytes.Fields(data[end+1:])
	if len(f) < 20 {
		return Stat{}, false
	}
	s = Stat{Name: string(data[begin+1 : end]), State: f[0][0]}
	var errs [3]error
	s.Parent, errs[0] = strconv.Atoi(string(f[1]))
	s.Session, errs[1] = strconv.Atoi(string(f[3]))
	s.Start, errs[2] = strconv.ParseUint(string(f[19]), 10, 64)
	return s, errs == [3]error{}
}

// Started returns when a process started, in clock ticks since the machine booted. ok is false if no process has that pid, or only a
// zombie has it.
func Started(pid int) (start uint64, ok bool) {
	s, ok := Read(pid)
	return s.Start, ok && s.State != 'Z' && s.State != 'X'
}

// All lists the pids of all processes that this process can see, without zombies.
func All() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // after an error, use the names that were read
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && Lives(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Children lists the processes of All whose parent is the given process.
func Children(parent int) []int {
	if parent <= 0 {
		return nil // processes that were started from outside the container have the parent 0
	}
	var pids []int
	for _, pid := range All() {
		if s, ok := Read(pid); ok && s.Parent == parent {
			pids = append(pids, pid)
		}
	}
	return pids
}
