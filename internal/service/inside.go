package service

import (
	"os"

	"hermes/internal/process"
)

// Inside reports whether this process belongs to the process pid: descends from it, or shares the session
// that it leads. s6-supervise makes every service the leader of a session. It is known on Linux only.
func Inside(pid int) bool {
	if pid <= 1 {
		return false
	}
	s, ok := process.Read(os.Getpid())
	if !ok {
		return false
	}
	if s.Session == pid || os.Getpid() == pid {
		return true
	}
	for ; ok && s.Parent > 1; s, ok = process.Read(s.Parent) {
		if s.Parent == pid {
			return true
		}
	}
	return false
}
