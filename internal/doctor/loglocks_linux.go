package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"golang.org/x/sys/unix"

	"hermes/internal/process"
	"hermes/internal/profile"
	"hermes/internal/volume"
)

// checkLogLocks looks who holds the lock of each log directory, because s6-log does not start while another process holds it.
func checkLogLocks(_ context.Context, e *examination) []Finding {
	var found []Finding
	for _, h := range e.homes() {
		if f, ok := e.logLock(h); ok {
			found = append(found, f)
		}
	}
	return found
}

func (e *examination) logLock(h profile.Home) (Finding, bool) {
	f := Finding{Severity: Error, Profile: h.Name.String()}
	dir := h.Logs()
	if err := dir.IsDir("."); errors.Is(err, fs.ErrNotExist) {
		return f, false
	} else if err != nil {
		f.Severity, f.What, f.Mend = Warning, err.Error(), "replace it by a directory: `gateway logs` follows no links"
		return f, true
	}
	path := dir.Path("lock")
	pid, locked, err := lockHolder(dir, "lock")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, false
	case err != nil:
		f.What, f.Mend = fmt.Sprintf("cannot look at the lock of the log: %v", err), "remove "+path+" while the gateway is stopped"
		return f, true
	case !locked:
		return f, false
	}
	holder, seen := process.Read(pid)
	switch {
	case !seen:
		f.What = path + " is held by a process that cannot be seen from here, perhaps in another container on this volume"
		f.Mend = "one volume is for one container: stop the other one"
	case holder.Name != "s6-log":
		f.What = fmt.Sprintf("%s is held by pid %d (%s), which is no logger", path, pid, holder.Name)
		f.Mend = fmt.Sprintf("end that process: `kill %d`", pid)
	case e.Manager == nil:
		f.Severity = Warning
		f.What = fmt.Sprintf("%s is held by a logger (pid %d) that no supervisor in charge here has started", path, pid)
		f.Mend = fmt.Sprintf("end it: `kill %d`", pid)
	default:
		return f, false
	}
	return f, true
}

// lockHolder asks the kernel who holds a POSIX lock on a file, which is the kind that s6-log takes. It takes no lock itself. pid is
// not positive if this process cannot see the holder.
func lockHolder(dir volume.Dir, name string) (pid int, locked bool, err error) {
	f, err := dir.Open(name)
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	lk := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lk); err != nil {
		return 0, false, err
	}
	return int(lk.Pid), lk.Type != unix.F_UNLCK, nil
}

// probeLoggerLock takes a lock as s6-log does.
func probeLoggerLock(dir volume.Dir, name string) error {
	f, err := dir.Create(name, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart})
}
