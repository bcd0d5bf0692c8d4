package s6

import (
	"path/filepath"
	"time"
)

// deafGrace is how long a supervisor may take from its lock to its control FIFO: it opens the one right after the other.
const deafGrace = 300 * time.Millisecond

// deafness finds out whether a slot's supervisor, or its logger's, lives and takes no commands, because somebody removed
// or replaced its control FIFO. s6-svscan puts no other in the place of one that lives: there is nothing to wait for.
type deafness struct {
	pid   int // who is looked at
	since time.Time
}

// sure reports whether it is so, and has been for some time.
func (d *deafness) sure(dir string) bool {
	pid := 0
	for _, s := range []string{dir, filepath.Join(dir, "log")} {
		if !HasReader(filepath.Join(s, "supervise", "control")) {
			if pid = lockHolder(filepath.Join(s, "supervise", "lock")); pid != 0 {
				break
			}
		}
	}
	if pid != d.pid {
		d.pid, d.since = pid, time.Now()
	}
	return pid != 0 && time.Since(d.since) >= deafGrace
}
