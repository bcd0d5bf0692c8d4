package windows

import (
	"context"
	"errors"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/hosted"
	"hermes/internal/service/restart"
)

// limit returns how long a service may take to end.
func (m *Manager) limit(id service.ID) time.Duration {
	return service.GatewaySpec(m.profileHome(id)).KillAfter + restart.StopMargin
}

// Start wants a service up, now and at every boot.
func (m *Manager) Start(ctx context.Context, id service.ID, wait time.Duration) error {
	return m.on(ctx, id, "start", func(name string) error { return m.start(ctx, id, name, wait) })
}

func (m *Manager) start(ctx context.Context, id service.ID, name string, wait time.Duration) error {
	begun := time.Now()
	if err := m.scm.StartAtBoot(name, true); err != nil {
		return err
	}
	q, err := m.scm.Query(name)
	if err != nil {
		return err
	}
	if q.phase == scmStopping { // Windows would refuse a start now, as if the service ran
		if err := m.end(ctx, id, name, q, max(wait, m.limit(id)), false); err != nil {
			return err
		}
	}
	if err := m.scm.Start(name); err != nil && !errors.Is(err, errRunning) {
		return err
	}
	if wait <= 0 {
		return nil
	}
	return hosted.AwaitState(ctx, m.profileHome(id), begun.Add(wait), func(st profile.State, late bool) (bool, error) {
		q, err := m.scm.Query(name)
		switch {
		case err != nil:
			return true, err
		case hosted.Serves(st, q.pid):
			return true, nil
		case q.phase == scmStopped:
			return true, &service.NotReadyError{Service: id, Ended: true, ExitCode: q.exitCode, GaveUp: st.Gateway == profile.StateStartupFailed, Waited: time.Since(begun)}
		case late:
			return true, &service.NotReadyError{Service: id, ExitCode: -1, Waited: time.Since(begun)}
		}
		return false, nil
	})
}

// Stop wants a service down, now and at every boot.
func (m *Manager) Stop(ctx context.Context, id service.ID, wait time.Duration) error {
	return m.on(ctx, id, "stop", func(name string) error {
		if err := m.scm.StartAtBoot(name, false); err != nil {
			return err
		}
		q, err := m.scm.Query(name)
		if err != nil || q.phase == scmStopped {
			return err
		}
		return m.end(ctx, id, name, q, wait, false)
	})
}

// end tells a service to end, unless it is ending already, and returns when it has ended. Without a wait it returns at once. If kill
// is true, it kills the process when the time is over.
func (m *Manager) end(ctx context.Context, id service.ID, name string, q scmState, wait time.Duration, kill bool) error {
	begun := time.Now()
	// Open the process before telling the service to end, because afterwards the process may be gone.
	p, perr := m.scm.Process(q.pid)
	if perr == nil {
		defer p.Close()
	}
	if q.phase != scmStopping {
		if err := m.scm.Stop(name); err != nil && !errors.Is(err, errNotActive) {
			return err
		}
	}
	if wait <= 0 {
		return nil
	}
	if perr == nil && !p.Gone(ctx, wait) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !kill || p.Kill() != nil || !p.Gone(ctx, restart.StopMargin) {
			return &service.NotDownError{Service: id, PID: q.pid, Waited: time.Since(begun)}
		}
	}
	return m.settled(ctx, name, q.pid)
}

// settleFor is how long Windows may take to notice that a process has ended. Windows does not notify anybody of that.
const (
	settleFor   = 10 * time.Second
	settlePause = 20 * time.Millisecond
)

// settled returns when the service control manager has noticed the end of a process. Before that a start would be lost.
func (m *Manager) settled(ctx context.Context, name string, pid int) error {
	for until := time.Now().Add(settleFor); ; {
		q, err := m.scm.Query(name)
		if err != nil || q.phase != scmStopping || q.pid != pid || time.Now().After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(settlePause):
		}
	}
}

// Restart ends a service's process and starts another. Windows does not start a service by itself that was told to stop. So Restart
// returns only when the process has ended, even without a wait, and kills a process that does not end in time.
func (m *Manager) Restart(ctx context.Context, id service.ID, wait time.Duration) error {
	begun := time.Now()
	return m.on(ctx, id, "restart", func(name string) error {
		q, err := m.scm.Query(name)
		if err != nil {
			return err
		}
		if q.phase != scmStopped {
			if err := m.scm.StartAtBoot(name, true); err != nil {
				return err
			}
			if err := m.end(ctx, id, name, q, m.limit(id), true); err != nil {
				return err
			}
		}
		if wait > 0 {
			wait = max(time.Second, wait-time.Since(begun))
		}
		return m.start(ctx, id, name, wait)
	})
}
