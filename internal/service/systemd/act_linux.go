package systemd

import (
	"context"
	"time"

	"github.com/godbus/dbus/v5"

	"hermes/internal/service"
)

const (
	noSuchUnit     = systemdName + ".NoSuchUnit"
	noSuchUnitFile = systemdName + ".NoSuchUnitFile"
)

// Start wants a unit up, now and at every boot. It enables the unit and then starts it.
func (m *Manager) Start(ctx context.Context, id service.ID, wait time.Duration) error {
	return m.with(ctx, id, "start", func(b *bus, u unit) error { return m.start(ctx, b, u, false, wait) })
}

// Restart ends the service's process and starts another.
func (m *Manager) Restart(ctx context.Context, id service.ID, wait time.Duration) error {
	return m.with(ctx, id, "restart", func(b *bus, u unit) error { return m.start(ctx, b, u, true, wait) })
}

// Stop wants a unit down, now and at every boot. It disables the unit and then stops it.
func (m *Manager) Stop(ctx context.Context, id service.ID, wait time.Duration) error {
	return m.with(ctx, id, "stop", func(b *bus, u unit) error { return m.stop(ctx, b, u, wait) })
}

func (m *Manager) start(ctx context.Context, b *bus, u unit, again bool, wait time.Duration) error {
	begun := time.Now()
	if err := m.enable(ctx, b, u); err != nil {
		return err
	}
	if err := b.watch(ctx); err != nil {
		return err
	}
	before, err := b.facts(ctx, u.name)
	if err != nil || before.ready() && !again {
		return err
	}
	method := "StartUnit"
	if again || before.pausing() { // a plain start would wait for the end of the pause
		method = "RestartUnit"
	}
	if before.pid == 0 { // forget the earlier failures, so that it gets all its tries again
		if err := b.manager(ctx, "ResetFailedUnit", nil, u.name); err != nil && !isBusError(err, noSuchUnit) {
			return err
		}
	}
	var job dbus.ObjectPath
	if err := b.manager(ctx, method, &job, u.name, "replace"); err != nil || wait <= 0 {
		return err
	}
	return b.await(ctx, u, job, begun.Add(wait), func(f facts, over, late bool) (bool, error) {
		another := !again || f.run != before.run
		switch {
		case f.ready() && another:
			return true, nil
		case over && f.down(), over && another && f.active != "deactivating":
			code, signal := f.end()
			return true, &service.NotReadyError{Service: u.id, Ended: true, ExitCode: code, Signal: signal, GaveUp: f.down(), Waited: time.Since(begun)}
		case late && !another && f.pid != 0:
			return true, &service.NotDownError{Service: u.id, PID: f.pid, Waited: time.Since(begun)}
		case late:
			return true, &service.NotReadyError{Service: u.id, ExitCode: -1, Waited: time.Since(begun)}
		}
		return false, nil
	})
}

func (m *Manager) stop(ctx context.Context, b *bus, u unit, wait time.Duration) error {
	begun := time.Now()
	if err := m.disable(ctx, b, u); err != nil {
		return err
	}
	if err := b.watch(ctx); err != nil {
		return err
	}
	before, err := b.facts(ctx, u.name)
	if err != nil || before.down() && before.job == "" {
		return err
	}
	var job dbus.ObjectPath
	switch err := b.manager(ctx, "StopUnit", &job, u.name, "replace"); {
	case isBusError(err, noSuchUnit):
		return nil
	case err != nil || wait <= 0:
		return err
	}
	return b.await(ctx, u, job, begun.Add(wait), func(f facts, over, late bool) (bool, error) {
		switch {
		case f.down(), over && f.run != before.run: // it is down, or it was started again meanwhile
			return true, nil
		case late:
			return true, &service.NotDownError{Service: u.id, PID: f.pid, Waited: time.Since(begun)}
		}
		return false, nil
	})
}

func (m *Manager) enable(ctx context.Context, b *bus, u unit) error {
	return b.manager(ctx, "EnableUnitFiles", nil, []string{u.name}, false, true)
}

func (m *Manager) disable(ctx context.Context, b *bus, u unit) error {
	err := b.manager(ctx, "DisableUnitFiles", nil, []string{u.name}, false)
	if isBusError(err, noSuchUnit, noSuchUnitFile) {
		return nil
	}
	return err
}

// await calls look with the state of a unit at every change, until look says that it is done. At the deadline it calls look a last
// time, with late. over says that the job has ended, so that what it was for has happened or will not happen.
func (b *bus) await(ctx context.Context, u unit, job dbus.ObjectPath, deadline time.Time, look func(f facts, over, late bool) (bool, error)) error {
	timeout := time.NewTimer(time.Until(deadline))
	defer timeout.Stop()
	over, late := false, false
	path := unitPath(u.name)
	for {
		f, err := b.facts(ctx, u.name)
		if err != nil {
			return err
		}
		if b.lost { // the signal about the job may be lost, so compare: if the unit has another job or none, this one is over
			over, b.lost = over || f.job != job, false
		}
		// A job that was replaced by another one is over too, but then the other one counts.
		if done, err := look(f, over && f.job == "", late); done || late {
			return err
		}
	events:
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-timeout.C:
				late = true
				break events
			case s, ok := <-b.signals:
				if !ok { // the connection is gone; the next look makes another
					break events
				}
				ended, of := jobRemoved(s)
				over = over || ended == job
				if of == u.name || s.Path == path {
					break events
				}
			}
		}
	}
}

// jobRemoved returns the job that has ended according to a signal, and its unit.
func jobRemoved(s *dbus.Signal) (job dbus.ObjectPath, unit string) {
	if s.Name == managerFace+".JobRemoved" && len(s.Body) >= 3 {
		job, _ = s.Body[1].(dbus.ObjectPath)
		unit, _ = s.Body[2].(string)
	}
	return job, unit
}
