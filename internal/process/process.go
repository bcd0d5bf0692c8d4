// Package process tells about the processes of this machine: whether one lives and since when, its parent, its name and its memory.
// What a system does not tell is the zero value.
package process

// Stat is what the kernel tells about a process (proc_pid_stat(5)).
type Stat struct {
	Name    string // the program's name, cut to 15 bytes
	State   byte   // R, S, D, Z and so on
	Parent  int
	Session int
	Start   uint64 // when the process started, in clock ticks since the machine booted
}

// Lives reports whether a process with that pid exists and is not a zombie.
func Lives(pid int) bool {
	_, ok := Started(pid)
	return ok
}
