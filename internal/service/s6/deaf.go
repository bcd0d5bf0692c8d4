package s6

import (
	"path/filepath"
	"time"
)

// deafGrace is how long a supervisor may take from its lock to its control FIFO. It opens the FIFO right after it takes the lock.
const deafGrace = 300 * time.Millisecond

// deafness finds out whether the supervisor of a slot or of its logger lives but takes no commands, because its control FIFO was
// removed or replaced. While it lives, s6-svscan does not start another one, so waiting is useless.
type deafness struct {
	pid   int // the supervisor without a FIFO
	since time.Time
}

// sure reports whether the supervisor has been deaf for at least deafGrace.
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
