package s6

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hermes/internal/service"
)

// Register writes a slot and returns when it has its supervisor. If a new slot gets none, Register removes it again.
func (m *Manager) Register(ctx context.Context, spec service.Spec) error {
	if !m.running() {
		// Write nothing, because nobody would supervise it. s6-svscanctl has the best message for that.
		if err := m.svscan(ctx, spec.ID, "register", "-a"); err != nil {
			return err
		}
	}
	created, err := m.slots.Write(spec)
	if err != nil {
		return err
	}
	if err := m.scan(ctx, spec.ID, m.slots.path(spec.ID)); err != nil {
		err = fmt.Errorf("cannot register '%s': %w", spec.ID, err)
		if created {
			err = errors.Join(err, m.remove(context.WithoutCancel(ctx), spec.ID))
		}
		return err
	}
	return nil
}

// Unregister stops a service, ends its supervisors and its logger, and removes the slot.
func (m *Manager) Unregister(ctx context.Context, id service.ID) error {
	dir := m.slots.path(id)
	dead := m.slots.Has(id) && !supervised(dir)
	if _, err := m.supervisedSlot(ctx, id); err != nil {
		return err
	}
	if HasReader(filepath.Join(dir, "supervise", "control")) {
		if dead {
			m.awaitTakeover(ctx, id, dir)
		}
		err := m.stop(ctx, id, "unregister", dir, m.slots.killAfter(id)+finishTimeout+superviseDeadline)
		if err != nil {
			return m.missing(id, err)
		}
	}
	return m.remove(ctx, id)
}

// awaitTakeover gives a service time to end a process that its former supervisor left running (--replace). Without that time the
// service would be stopped too early, and the old process would go on.
func (m *Manager) awaitTakeover(ctx context.Context, id service.ID, dir string) {
	w, err := m.watch(ctx, id, "unregister", dir, untilStarted, superviseDeadline)
	if err != nil {
		return // the stop that follows reports why
	}
	defer w.close()
	if w.before.WantUp && !w.before.Ready && !w.before.Backoff {
		w.wait(superviseDeadline)
	}
}

// remove hides a slot, waits until nothing supervises it, and removes it.
func (m *Manager) remove(ctx context.Context, id service.ID) error {
	hidden, err := m.slots.hide(id)
	if err != nil {
		return fmt.Errorf("cannot unregister '%s': %w", id, err)
	}
	gone := filepath.Join(hidden, "slot")
	if err := os.Rename(m.slots.path(id), gone); err != nil {
		os.Remove(hidden)
		if errors.Is(err, fs.ErrNotExist) {
			return service.NotRegistered(id) // another process removed it first
		}
		return fmt.Errorf("cannot unregister '%s': %w", id, err)
	}
	if m.running() {
		// A hidden directory is not a service any more, and -n ends what still supervises it (s6-svscanctl).
		if err := m.svscan(ctx, id, "unregister", "-an"); err != nil {
			return err
		}
	}
	if err := m.ended(ctx, id, gone); err != nil {
		return fmt.Errorf("cannot unregister '%s': its supervisor does not end: %w", id, err)
	}
	if err := os.RemoveAll(hidden); err != nil {
		return fmt.Errorf("cannot remove the slot of '%s': %w", id, err)
	}
	return nil
}

// loggerGrace is how long a logger may go on after its service is gone. It reads until every process that the service left behind
// has closed its end of the pipe, which may never happen.
const loggerGrace = time.Second

// ended returns when a slot that was hidden has no supervisors any more. If s6-svscan does not end them, for example because it is
// gone itself, ended sends each of them the command.
func (m *Manager) ended(ctx context.Context, id service.ID, dir string) error {
	dirs := []string{dir, filepath.Join(dir, "log")}
	over := func() bool {
		for _, d := range dirs {
			if HasReader(filepath.Join(d, "supervise", "control")) {
				return false
			}
		}
		return true
	}
	grace, cancel := context.WithTimeout(ctx, loggerGrace)
	defer cancel()
	if m.running() && waitFor(grace, over) == nil {
		return nil
	}
	for _, d := range dirs {
		if HasReader(filepath.Join(d, "supervise", "control")) {
			// The supervisor may end before it gets the command. waitFor checks below whether it has.
			_ = m.svc(ctx, id, "unregister", d, "-x", "-d")
		}
	}
	return waitFor(ctx, over)
}
