// Package process tells of other processes of this machine: whether one lives and since when, who started it, what it is called, how
// much memory it has. Where a system does not say, the zero value is returned.
package process

// Stat is what the kernel tells of a process (proc_pid_stat(5)).
type Stat struct {
	Name    string // of the program, cut to 15 bytes
	State   byte   // R, S, D, Z and so on
	Parent  int
	Session int
	Start   uint64 // when it began, in clock ticks since the machine's boot
}

// Lives reports whether there is a process of that pid, other than a zombie.
func Lives(pid int) bool {
	_, ok := Started(pid)
	return ok
}
