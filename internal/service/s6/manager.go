package s6

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"hermes/internal/service"
)

// Manager drives the supervision tree of one scan directory.
type Manager struct {
	scandir string
	slots   Slots
	revive  time.Duration // reviveDeadline; tests set another
}

var _ service.Manager = (*Manager)(nil)

// New returns the manager of a scan directory. It starts nothing: an s6-svscan must already run on the directory (Detect).
func New(scandir string) *Manager {
	return &Manager{scandir: scandir, slots: Slots{Dir: scandir}, revive: reviveDeadline}
}

// Kind returns service.KindS6.
func (m *Manager) Kind() service.Kind { return service.KindS6 }

// SupportsRegistration returns true.
func (m *Manager) SupportsRegistration() bool { return true }

// slot returns the service directory of a registered service.
func (m *Manager) slot(id service.ID) (string, error) {
	dir := m.slots.path(id)
	if !m.slots.Has(id) {
		return "", service.NotRegistered(id)
	}
	return dir, nil
}

// supervisedSlot returns the service directory of a service, and waits until the service has a supervisor: while a tree starts,
// there are slots at which s6-svscan has not looked yet. If none appears, or a supervisor lives and takes no commands, it returns
// too, and s6-svc will report the error.
func (m *Manager) supervisedSlot(ctx context.Context, id service.ID) (string, error) {
	dir, err := m.slot(id)
	if err != nil {
		return "", err
	}
	wait := superviseDeadline
	if _, err := os.Lstat(filepath.Join(dir, "supervise", "status")); err == nil {
		wait = m.revive
	}
	within, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var deaf deafness
	if await(within, func() bool { return supervised(dir) || !m.running() || deaf.sure(dir) }) != nil {
		err = ctx.Err()
	}
	return dir, err
}

// Start wants a service up and waits until it is ready (see service.Manager). It clears the tally of earlier failures, so that a
// gateway that the supervisor gave up on gets all its tries again. It also ends a backoff pause.
func (m *Manager) Start(ctx context.Context, id service.ID, wait time.Duration) error {
	dir, err := m.supervisedSlot(ctx, id)
	if err != nil {
		return err
	}
	return m.missing(id, m.start(ctx, id, "start", dir, wait, time.Now()))
}

func (m *Manager) start(ctx context.Context, id service.ID, action, dir string, wait time.Duration, begun time.Time) error {
	w, err := m.settled(ctx, id, action, dir, untilStarted, wait-time.Since(begun))
	if err != nil {
		return m.refused(ctx, err, id, action, dir, "-U")
	}
	defer w.close()
	if w.before.Up && w.before.Ready {
		return m.svc(ctx, id, action, dir, "-U")
	}
	if !w.before.Up || w.before.Backoff {
		if err := forget(ctx, id, action, dir); err != nil {
			return err
		}
	}
	if err := os.Remove(filepath.Join(dir, napFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot end the backoff of '%s': %w", id, err)
	}
	// With -y the service gets SIGWINCH, which wakes a run script in its pause. Other programs ignore that signal by default.
	if err := m.svc(ctx, id, action, dir, "-U", "-y"); err != nil || wait <= 0 {
		return err
	}
	return m.verdict(ctx, id, action, dir, w.wait(wait-time.Since(begun)), time.Since(begun))
}

// settled subscribes to a service's events at a moment when no finish script runs. A finish script that exits 125 would undo a
// command that the supervisor got meanwhile.
func (m *Manager) settled(ctx context.Context, id service.ID, action, dir, pattern string, wait time.Duration) (*watch, error) {
	for {
		w, err := m.watch(ctx, id, action, dir, pattern, wait)
		if err != nil || !w.before.Finishing {
			return w, err
		}
		w.close()
		if _, err := run(ctx, id, action, "s6-svwait", "-D", "-t", millis(finishTimeout+time.Second), dir); err != nil {
			// The service was started again and runs, so s6-svwait did not succeed. Look again.
			var failed *service.S6CommandError
			if !errors.As(err, &failed) {
				return nil, err
			}
		}
	}
}

// refused is for a service without a status. It returns the error of s6-svc if that fails too, and otherwise err.
func (m *Manager) refused(ctx context.Context, err error, id service.ID, action, dir string, flags ...string) error {
	var failed *service.S6CommandError
	if !errors.As(err, &failed) {
		return err
	}
	if serr := m.svc(ctx, id, action, dir, flags...); serr != nil {
		return serr
	}
	return err
}

// missing replaces the error of a command by NotRegistered if the slot was unregistered meanwhile.
func (m *Manager) missing(id service.ID, err error) error {
	var failed *service.S6CommandError
	if errors.As(err, &failed) && !m.slots.Has(id) {
		return service.NotRegistered(id)
	}
	return err
}

// Stop wants a service down, and keeps it down even if its supervisor restarts (s6-svc -D).
func (m *Manager) Stop(ctx context.Context, id service.ID, wait time.Duration) error {
	dir, err := m.supervisedSlot(ctx, id)
	if err != nil {
		return err
	}
	return m.missing(id, m.stop(ctx, id, "stop", dir, wait))
}

func (m *Manager) stop(ctx context.Context, id service.ID, action, dir string, wait time.Duration) error {
	if wait <= 0 {
		return m.svc(ctx, id, action, dir, "-D")
	}
	for begun := time.Now(); ; {
		w, err := m.watch(ctx, id, action, dir, untilDown, wait-time.Since(begun))
		if err != nil {
			return m.refused(ctx, err, id, action, dir, "-D")
		}
		err = m.svc(ctx, id, action, dir, "-D")
		ended := err == nil && (w.before.Up || w.before.Finishing) && w.wait(wait-time.Since(begun)) != ""
		w.close()
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s on '%s': %w", action, id, err)
		}
		// The event may have been about an earlier run, so look.
		st, err := svstat(ctx, id, action, dir)
		switch {
		case err != nil:
			return err
		case !st.Up:
			return nil
		case ended && st.PID == w.before.PID:
			// The event came, so this run has ended. The supervisor should have written that before the event, and could not,
			// because the scan directory is on a full volume.
			return nil
		case time.Since(begun) >= wait:
			return &service.NotDownError{Service: id, PID: st.PID, Waited: time.Since(begun)}
		}
	}
}

// Restart ends the process and waits until the next one is ready. If the service is down, Restart starts it.
func (m *Manager) Restart(ctx context.Context, id service.ID, wait time.Duration) error {
	dir, err := m.supervisedSlot(ctx, id)
	if err != nil {
		return err
	}
	return m.missing(id, m.restart(ctx, id, "restart", dir, wait))
}

func (m *Manager) restart(ctx context.Context, id service.ID, action, dir string, wait time.Duration) error {
	begun := time.Now()
	w, err := m.settled(ctx, id, action, dir, untilRestarted, wait)
	if err != nil {
		return m.refused(ctx, err, id, action, dir, "-d", "-U")
	}
	defer w.close()
	if !w.before.Up || w.before.Backoff {
		w.close()
		return m.start(ctx, id, action, dir, wait, begun)
	}
	// Use down and then up, before it is down, instead of -r: after -r a process that does not end is not killed (timeout-kill), and
	// one that is stopped is not woken.
	if err := m.svc(ctx, id, action, dir, "-d", "-U"); err != nil || wait <= 0 {
		return err
	}
	ev := w.wait(wait - time.Since(begun))
	st, err := svstat(ctx, id, action, dir)
	switch {
	case err != nil:
		return err
	case st.Up && st.PID == w.before.PID: // the process did not end within wait
		return &service.NotDownError{Service: id, PID: st.PID, Waited: time.Since(begun)}
	case ev == eventFailed && !st.Up && time.Since(begun) < wait:
		// The old process ended with a code that means "do not start me again". The operator asked for a restart, so start it.
		return m.start(ctx, id, action, dir, wait, begun)
	}
	return m.verdict(ctx, id, action, dir, ev, time.Since(begun))
}

// verdict turns an event, or none within the time, into the error that Start returns.
func (m *Manager) verdict(ctx context.Context, id service.ID, action, dir, event string, waited time.Duration) error {
	if event == eventReady {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s on '%s': %w", action, id, err)
	}
	st, err := svstat(ctx, id, action, dir)
	if err != nil {
		return err
	}
	if st.Up && st.Ready {
		return nil // the next try was ready
	}
	e := &service.NotReadyError{Service: id, Waited: waited, ExitCode: -1}
	if event == "" && st.WantUp && !st.Backoff {
		return e
	}
	e.Ended, e.GaveUp = true, event == eventFailed || !st.WantUp
	e.ExitCode, e.Signal = st.ExitCode, st.Signal
	if st.Up { // it runs again, so its status does not say how the last run ended
		e.ExitCode, e.Signal, err = lastDeath(ctx, id, action, dir)
	}
	if err != nil {
		return err
	}
	return e
}

// Status returns what a service does now. A slot without a supervisor, which happens for a moment while the tree starts, counts as
// down.
func (m *Manager) Status(ctx context.Context, id service.ID) (service.Status, error) {
	dir, err := m.slot(id)
	if err != nil {
		return service.Status{}, err
	}
	if !supervised(dir) {
		return service.Status{ID: id, ExitCode: -1, Restarts: -1}, nil
	}
	st, err := svstat(ctx, id, "status", dir)
	st.Deciding, st.Self = st.Finishing, service.Inside(st.PID)
	return st.Status, m.missing(id, err)
}

// List returns the status of every slot, ordered by name. A slot whose supervisor does not answer is listed as down.
func (m *Manager) List(ctx context.Context) ([]service.Status, error) {
	ids, err := m.slots.List()
	if err != nil {
		return nil, err
	}
	all := make([]service.Status, len(ids))
	read := m.reader(ctx, ids)
	service.Parallel(len(ids), func(i int) {
		st, err := read(ids[i])
		if err != nil {
			st.Status = service.Status{ID: ids[i], ExitCode: -1, Restarts: -1}
		}
		all[i] = st.Status
	})
	return all, ctx.Err()
}

// running reports whether an s6-svscan runs, which gives slots their supervisors.
func (m *Manager) running() bool { return Detect(m.scandir) == service.KindS6 }

// scan makes s6-svscan look at its directory again, and returns when the service and its logger have their supervisors.
func (m *Manager) scan(ctx context.Context, id service.ID, dir string) error {
	if err := m.svscan(ctx, id, "register", "-a"); err != nil {
		return err
	}
	var deaf deafness
	err := waitFor(ctx, func() bool { return supervised(dir) || deaf.sure(dir) })
	if err == nil && !supervised(dir) {
		err = fmt.Errorf("its s6-supervise, pid %d, lives and takes no commands: end it, and another takes its place", deaf.pid)
	}
	return err
}

// svscan sends commands to s6-svscan.
func (m *Manager) svscan(ctx context.Context, id service.ID, action, flags string) error {
	_, err := run(ctx, id, action, "s6-svscanctl", flags, m.scandir)
	return err
}

// Supervised reports whether a registered service has its supervisor.
func (m *Manager) Supervised(id service.ID) bool { return supervised(m.slots.path(id)) }

// supervised reports whether an s6-supervise runs on a service directory and on its logger's. Like s6-svok it checks whether the
// control FIFO has a reader. The FIFO is there before the first status, so it checks the status too.
func supervised(dir string) bool {
	if _, err := os.Lstat(filepath.Join(dir, "supervise", "status")); err != nil {
		return false
	}
	ok := HasReader(filepath.Join(dir, "supervise", "control"))
	if _, err := os.Lstat(filepath.Join(dir, "log")); err == nil {
		ok = ok && HasReader(filepath.Join(dir, "log", "supervise", "control"))
	}
	return ok
}

func millis(d time.Duration) string { return strconv.FormatInt(max(1, d.Milliseconds()), 10) }
