package s6

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/fsnotify/fsnotify"

	"hermes/internal/notify"
	"hermes/internal/service"
)

// Watch calls happened whenever a supervisor records a change of its service, or a slot appears or disappears, until ctx ends or the
// tree is gone. The zero ID means that any service may have changed.
//
// s6-supervise replaces supervise/status at every change. Watch only notices that and does not read the file. s6's own way, a
// subscription with s6-ftrig-listen, would need a process for each slot.
func (m *Manager) Watch(ctx context.Context, happened func(service.ID)) error {
	w, err := fsnotify.NewBufferedWatcher(512)
	if err != nil {
		return fmt.Errorf("cannot watch the slots: %w", err)
	}
	defer w.Close()
	errs := notify.Errors(w)
	n := slotNews{m: m, w: w}
	if err := w.Add(m.slots.Dir); err != nil {
		return fmt.Errorf("cannot watch the slots in %s: %w", m.slots.Dir, err)
	}
	if err := n.arm(); err != nil {
		return err
	}
	happened(service.ID{}) // for changes before the watches were set
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-w.Events:
			if !ok {
				return errors.New("cannot watch the slots: the system sends no more notifications")
			}
			if e.Name == m.slots.Dir && e.Op.Has(fsnotify.Remove) {
				return fmt.Errorf("cannot watch the slots: %s is gone", m.slots.Dir)
			}
			n.event(e, happened)
		case err := <-errs:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return fmt.Errorf("cannot watch the slots: %w", err)
			}
			if err := n.arm(); err != nil {
				return err
			}
			happened(service.ID{})
		}
	}
}

type slotNews struct {
	m *Manager
	w *fsnotify.Watcher
}

// arm watches every slot.
func (n slotNews) arm() error {
	ids, err := n.m.slots.List()
	if err != nil {
		return fmt.Errorf("cannot watch the slots: %w", err)
	}
	for _, id := range ids {
		n.add(id)
	}
	return nil
}

// add watches a slot's directory, where its supervisor appears, and what the supervisor writes. Watching a directory again does
// nothing.
func (n slotNews) add(id service.ID) {
	dir := n.m.slots.path(id)
	_ = n.w.Add(dir) // the slot may be gone again
	_ = n.w.Add(filepath.Join(dir, "supervise"))
	_ = n.w.Add(filepath.Join(dir, "data"))
}

func (n slotNews) event(e fsnotify.Event, happened func(service.ID)) {
	dir, name := filepath.Split(e.Name)
	dir = filepath.Clean(dir)
	switch {
	case dir == n.m.slots.Dir: // a slot appears or disappears
		if id, ok := service.ParseID(name); ok {
			if e.Op.Has(fsnotify.Create) {
				n.add(id)
			}
			happened(service.ID{})
		}
	case name == "supervise" && e.Op.Has(fsnotify.Create): // the supervisor has started
		_ = n.w.Add(e.Name)
		tell(dir, happened)
	case name == "status" && e.Op.Has(fsnotify.Create), name == "nap": // the pause before the next start begins or ends
		tell(filepath.Dir(dir), happened)
	}
}

func tell(slot string, happened func(service.ID)) {
	if id, ok := service.ParseID(filepath.Base(slot)); ok {
		happened(id)
	}
}
