package s6

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"hermes/internal/service"
)

// Register writes a slot and returns when it has its supervisor.
func (m *Manager) Register(ctx context.Context, spec service.Spec) error {
	if _, err := m.slots.Write(spec); err != nil {
		return err
	}
	if err := m.scan(ctx, spec.ID, m.slots.path(spec.ID)); err != nil {
		return fmt.Errorf("cannot register '%s': %w", spec.ID, err)
	}
	return nil
}

// Unregister stops a service, ends its supervisors and its logger, and removes the slot.
func (m *Manager) Unregister(ctx context.Context, id service.ID) error {
	dir, err := m.slot(id)
	if err != nil {
		return err
	}
	if supervised(dir) {
		if err := m.svc(ctx, id, "stop", dir, "-wD", "-T", millis(defaultKillAfter+superviseDeadline), "-D"); err != nil {
			return err
		}
	}
	gone := m.slots.hidden(id)
	if err := os.RemoveAll(gone); err != nil {
		return fmt.Errorf("cannot clear the way for '%s': %w", id, err)
	}
	// A hidden directory is no service any more: -n ends what still supervises it (s6-svscanctl).
	if err := os.Rename(dir, gone); err != nil {
		return fmt.Errorf("cannot unregister '%s': %w", id, err)
	}
	if _, err := run(ctx, id, "unregister", "s6-svscanctl", "-an", m.scandir); err != nil {
		return err
	}
	if err := waitFor(ctx, func() bool {
		return !service.HasReader(filepath.Join(gone, "supervise", "control")) &&
			!service.HasReader(filepath.Join(gone, "log", "supervise", "control"))
	}); err != nil {
		return fmt.Errorf("cannot unregister '%s': its supervisor does not end: %w", id, err)
	}
	return m.slots.remove(id)
}
