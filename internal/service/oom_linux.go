package service

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"strconv"

	"hermes/internal/volume"
)

// maxCounters bounds what is read of the kernel's files of counters.
const maxCounters = 64 << 10

// OOMKills returns how many processes the kernel has killed for want of memory: those of this process's cgroup, which in a
// container is the container's (memory.events of cgroup v2, memory.oom_control of v1), or, where there is none, those of the
// machine (/proc/vmstat). ok is false where the kernel does not say.
func OOMKills() (n uint64, ok bool) { return oomKills("/") }

// oomKills is OOMKills of the system below root.
func oomKills(root string) (uint64, bool) {
	for _, file := range append(oomFiles(root), path.Join(root, "proc/vmstat")) {
		data, err := volume.ReadPath(file, maxCounters)
		if err != nil {
			continue
		}
		for line := range bytes.Lines(data) {
			if f := bytes.Fields(line); len(f) == 2 && string(f[0]) == "oom_kill" {
				n, err := strconv.ParseUint(string(f[1]), 10, 64)
				return n, err == nil
			}
		}
	}
	return 0, false
}

// oomFiles lists where the counter of this process's cgroup may be. A container sees its own cgroup at the top of the hierarchy,
// also where /proc names it by its path on the host (cgroup_namespaces(7)).
func oomFiles(root string) (files []string) {
	data, err := volume.ReadPath(path.Join(root, fmt.Sprintf("proc/%d/cgroup", os.Getpid())), maxCounters)
	if err != nil {
		return nil
	}
	add := func(top, group, file string) {
		files = append(files, path.Join(root, top, path.Clean("/"+group), file), path.Join(root, top, file))
	}
	for line := range bytes.Lines(data) { // hierarchy:controllers:path, cgroups(7)
		f := bytes.SplitN(bytes.TrimRight(line, "\n"), []byte{':'}, 3)
		switch {
		case len(f) != 3:
		case string(f[0]) == "0" && len(f[1]) == 0:
			add("sys/fs/cgroup", string(f[2]), "memory.events")
		case string(f[1]) == "memory":
			add("sys/fs/cgroup/memory", string(f[2]), "memory.oom_control")
		}
	}
	return files
}
