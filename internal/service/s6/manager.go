package s6

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hermes/internal/service"
	"hermes/internal/volume"
)

// Manager drives the supervision tree of one scan directory.
type Manager struct {
	scandir string
	slots   Slots
}

var _ service.Manager = (*Manager)(nil)

// New returns the manager of a scan directory. Nothing is started: an s6-svscan
// must run on it (service.Detect).
func New(scandir string) *Manager {
	return &Manager{scandir: scandir, slots: Slots{Dir: scandir}}
}

// Kind returns service.KindS6.
func (m *Manager) Kind() service.Kind { return service.KindS6 }

// SupportsRegistration returns true.
func (m *Manager) SupportsRegistration() bool { return true }

// slot returns the service directory of a registered service.
func (m *Manager) slot(id service.ID) (string, error) {
	dir := m.slots.path(id)
	if err := volume.IsDir(dir); err != nil {
		return "", service.NotRegistered(id)
	}
	return dir, nil
}

// supervisedSlot returns the service directory of a service once it has its supervisor: while a tree
// comes up, slots are there before s6-svscan has looked at all of them. A slot that
// stays without one is left to s6-svc to report.
func (m *Manager) supervisedSlot(ctx context.Context, id service.ID) (string, error) {
	dir, err := m.slot(id)
	if err == nil && waitFor(ctx, func() bool { return supervised(dir) }) != nil {
		err = ctx.Err()
	}
	return dir, err
}

// Start wants a service up and waits for its readiness (see service.Manager). It
// clears the tally of earlier failures, so a gateway that the supervisor gave up on
// gets its full number of tries again, and it cuts a backoff short.
func (m *Manager) Start(ctx context.Context, id service.ID, wait time.Duration) error {
	dir, err := m.supervisedSlot(ctx, id)
	if err != nil {
		return err
	}
	before, err := svstat(ctx, id, dir)
	if err != nil {
		return err
	}
	if before.Up && before.Ready {
		return m.svc(ctx, id, "start", dir, "-U")
	}
	if !before.Up {
		if _, err := run(ctx, id, "start", "s6-svdt-clear", dir); err != nil {
			return err
		}
	}
	if before.Backoff {
		// The run script's nap ends at SIGTERM and the supervisor runs it again at once.
		if err := m.svc(ctx, id, "start", dir, "-U", "-t"); err != nil {
			return err
		}
	}
	if wait <= 0 {
		return m.svc(ctx, id, "start", dir, "-U")
	}
	begun := time.Now()
	if before.Up {
		if err := m.svc(ctx, id, "start", dir, "-U"); err != nil {
			return err
		}
		return m.awaitReady(ctx, id, dir, begun, wait)
	}
	// U: ready. d: the process died. O: it is not wanted any more (s6-supervise, "Detailed operation").
	ev, err := m.listen(ctx, id, "start", dir, "[UdO]", wait, "-U")
	if err != nil {
		return err
	}
	return m.verdict(ctx, id, dir, ev, time.Since(begun))
}

// Stop wants a service down, now and after its supervisor restarts (s6-svc -D).
func (m *Manager) Stop(ctx context.Context, id service.ID, wait time.Duration) error {
	dir, err := m.supervisedSlot(ctx, id)
	if err != nil {
		return err
	}
	if wait <= 0 {
		return m.svc(ctx, id, "stop", dir, "-D")
	}
	begun := time.Now()
	err = m.svc(ctx, id, "stop", dir, "-wD", "-T", millis(wait), "-D")
	if err == nil {
		return nil
	}
	if st, serr := svstat(ctx, id, dir); serr == nil && st.Up && !st.WantUp {
		return &service.NotDownError{Service: id, PID: st.PID, Waited: time.Since(begun)}
	}
	return err
}

// Restart ends the process and waits until the next one is ready; a service that is
// down is started.
func (m *Manager) Restart(ctx context.Context, id service.ID, wait time.Duration) error {
	dir, err := m.supervisedSlot(ctx, id)
	if err != nil {
		return err
	}
	before, err := svstat(ctx, id, dir)
	if err != nil {
		return err
	}
	if !before.Up || before.Backoff {
		return m.Start(ctx, id, wait)
	}
	if err := m.svc(ctx, id, "restart", dir, "-U"); err != nil {
		return err
	}
	if wait <= 0 {
		return m.svc(ctx, id, "restart", dir, "-r")
	}
	begun := time.Now()
	ev, err := m.listen(ctx, id, "restart", dir, "d.*[UdO]", wait, "-r")
	if err != nil {
		return err
	}
	if st, serr := svstat(ctx, id, dir); serr == nil && st.PID == before.PID && st.Up {
		// The old process did not end in all that time.
		return &service.NotDownError{Service: id, PID: st.PID, Waited: time.Since(begun)}
	}
	return m.verdict(ctx, id, dir, ev, time.Since(begun))
}

// awaitReady waits for a service that was already up when the wait began.
func (m *Manager) awaitReady(ctx context.Context, id service.ID, dir string, begun time.Time, wait time.Duration) error {
	_, err := run(ctx, id, "start", "s6-svwait", "-U", "-t", millis(wait), dir)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ev := ""
	if err == nil {
		ev = "U"
	}
	return m.verdict(ctx, id, dir, ev, time.Since(begun))
}

// verdict turns an event, or none within the time, into what Start returns.
func (m *Manager) verdict(ctx context.Context, id service.ID, dir, event string, waited time.Duration) error {
	if event == "U" {
		return nil
	}
	st, err := svstat(ctx, id, dir)
	if err != nil {
		return err
	}
	if event == "" && st.Up && st.Ready {
		return nil // it became ready before we listened
	}
	e := &service.NotReadyError{Service: id, Waited: waited, ExitCode: st.ExitCode, Signal: st.Signal}
	if event == "" && st.Up && !st.Backoff {
		return e
	}
	e.Ended = true
	if event == "d" || event == "O" {
		// Its finish script decides whether it is tried again; wait for that.
		_, _ = run(ctx, id, "start", "s6-svwait", "-D", "-t", "2000", dir)
		if after, err := svstat(ctx, id, dir); err == nil {
			e.GaveUp = !after.WantUp
			if after.ExitCode >= 0 || after.Signal != "" {
				e.ExitCode, e.Signal = after.ExitCode, after.Signal
			}
		}
	} else {
		e.GaveUp = !st.WantUp
	}
	return e
}

// Status tells what a service does now. A slot that nobody supervises, which is so for a moment while the
// tree comes up, is down.
func (m *Manager) Status(ctx context.Context, id service.ID) (service.Status, error) {
	dir, err := m.slot(id)
	if err != nil {
		return service.Status{}, err
	}
	if !supervised(dir) {
		return service.Status{ID: id, ExitCode: -1}, nil
	}
	return svstat(ctx, id, dir)
}

// List tells the status of every slot, by name. A slot whose supervisor does not answer
// is listed as down.
func (m *Manager) List(ctx context.Context) ([]service.Status, error) {
	ids, err := m.slots.List()
	if err != nil {
		return nil, err
	}
	all := make([]service.Status, len(ids))
	parallel(len(ids), func(i int) {
		st, err := svstat(ctx, ids[i], m.slots.path(ids[i]))
		if err != nil {
			st = service.Status{ID: ids[i], ExitCode: -1}
		}
		all[i] = st
	})
	return all, ctx.Err()
}

// scan makes s6-svscan look at its directory again and returns when each of
// the services has its supervisor.
func (m *Manager) scan(ctx context.Context, id service.ID, dir string) error {
	if _, err := run(ctx, id, "register", "s6-svscanctl", "-a", m.scandir); err != nil {
		return err
	}
	return waitFor(ctx, func() bool { return supervised(dir) })
}

// supervised reports whether an s6-supervise runs on a service directory, and on its logger's,
// the way s6-svok does: its control FIFO has a reader.
func supervised(dir string) bool {
	ok := service.HasReader(filepath.Join(dir, "supervise", "control"))
	if _, err := os.Lstat(filepath.Join(dir, "log")); err == nil {
		ok = ok && service.HasReader(filepath.Join(dir, "log", "supervise", "control"))
	}
	return ok
}

func millis(d time.Duration) string { return strconv.FormatInt(max(1, d.Milliseconds()), 10) }

func trimLine(s string) string { return strings.TrimSpace(s) }
