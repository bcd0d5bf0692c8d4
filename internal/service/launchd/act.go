package launchd

import (
	"context"
	"fmt"
	"os"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/hosted"
	"hermes/internal/service/restart"
)

// Start wants a job up, now and at every login or boot. It enables the job and loads it, which starts it.
func (m *Manager) Start(ctx context.Context, id service.ID, wait time.Duration) error {
	return m.start(ctx, id, "start", wait)
}

func (m *Manager) start(ctx context.Context, id service.ID, action string, wait time.Duration) error {
	begun := time.Now()
	s, err := m.find(id)
	if err != nil {
		return err
	}
	if err := m.ctl(ctx, id, action, "enable", s.target(id)); err != nil {
		return err
	}
	f, err := m.look(ctx, id, s)
	if err != nil {
		return err
	}
	if f.leaving {
		if err := m.left(ctx, id, s, f.pid, action, wait); err != nil {
			return err
		}
		f.loaded = false
	}
	switch {
	case !f.loaded:
		err = m.ctl(ctx, id, action, "bootstrap", s.domain, s.path(id))
	case f.pid == 0:
		err = m.ctl(ctx, id, action, "kickstart", s.target(id))
	}
	if err != nil || wait <= 0 {
		return err
	}
	before := f
	return hosted.AwaitState(ctx, m.profileHome(id), begun.Add(wait), func(st profile.State, late bool) (bool, error) {
		f, err := m.look(ctx, id, s)
		switch {
		case err != nil:
			return true, err
		case hosted.Serves(st, f.pid):
			return true, nil
		case f.pid == 0 && (f.runs > before.runs || st.Gateway == profile.StateStartupFailed):
			return true, &service.NotReadyError{Service: id, Ended: true, ExitCode: f.code, GaveUp: st.Gateway == profile.StateStartupFailed, Waited: time.Since(begun)}
		case late:
			return true, &service.NotReadyError{Service: id, ExitCode: -1, Waited: time.Since(begun)}
		}
		return false, nil
	})
}

// Stop wants a job down, now and at every boot. It disables the job and unloads it, which ends it.
func (m *Manager) Stop(ctx context.Context, id service.ID, wait time.Duration) error {
	begun := time.Now()
	s, err := m.find(id)
	if err != nil {
		return err
	}
	if err := m.ctl(ctx, id, "stop", "disable", s.target(id)); err != nil {
		return err
	}
	f, err := m.look(ctx, id, s)
	if err != nil || !f.loaded {
		return err
	}
	err = m.ctl(ctx, id, "stop", "bootout", s.target(id))
	switch now, lerr := m.look(ctx, id, s); {
	case err != nil && (lerr != nil || now.loaded && !now.leaving):
		return err // bootout also fails while the job is still ending
	case f.pid == 0 || wait <= 0:
		return nil
	}
	return m.left(ctx, id, s, f.pid, "stop", wait-time.Since(begun))
}

// left returns when a job that was unloaded is gone: its process has ended, and launchd has forgotten the job, which can be loaded
// again only then. wait limits the wait for the process; if it is 0, left waits until launchd kills the process.
func (m *Manager) left(ctx context.Context, id service.ID, s jobScope, pid int, action string, wait time.Duration) error {
	begun := time.Now()
	if wait <= 0 {
		wait = m.killAfter(id) + restart.StopMargin
	}
	if pid != 0 && !m.gone(ctx, pid, wait) {
		if ctx.Err() != nil {
			return fmt.Errorf("%s on '%s': %w", action, id, ctx.Err())
		}
		return &service.NotDownError{Service: id, PID: pid, Waited: time.Since(begun)}
	}
	for until := time.Now().Add(forgets); ; {
		f, err := m.look(ctx, id, s)
		if err != nil || !f.loaded || time.Now().After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s on '%s': %w", action, id, ctx.Err())
		case <-time.After(forgetsPause):
		}
	}
}

// forgets is how long launchd may take to forget a job whose process has ended. launchd does not notify anybody of that.
const (
	forgets      = 10 * time.Second
	forgetsPause = 20 * time.Millisecond
)

func (m *Manager) killAfter(id service.ID) time.Duration {
	return service.GatewaySpec(m.profileHome(id)).KillAfter
}

// Restart ends a job's process and returns when the next one is ready. The job stays enabled and loaded. So even if this command
// dies, launchd starts the next process when this one has ended, because after SIGTERM a gateway ends with another code than 0. If
// wait is long enough, a process that does not end is killed. If the job's file is newer than the process, Restart loads the job
// anew when the process has ended; without a wait, the next start does that.
func (m *Manager) Restart(ctx context.Context, id service.ID, wait time.Duration) error {
	const action = "restart"
	begun := time.Now()
	s, err := m.find(id)
	if err != nil {
		return err
	}
	if err := m.ctl(ctx, id, action, "enable", s.target(id)); err != nil {
		return err
	}
	f, err := m.look(ctx, id, s)
	if err != nil {
		return err
	}
	anew := f.loaded && !f.leaving && m.stale(id, s, f.pid)
	if f.pid != 0 && !f.leaving {
		if err := m.signal(ctx, id, s, f.pid, "SIGTERM"); err != nil || wait <= 0 {
			return err
		}
		kill := m.killAfter(id)
		ended := m.gone(ctx, f.pid, min(wait, kill))
		if !ended && ctx.Err() == nil && wait > kill {
			if err := m.signal(ctx, id, s, f.pid, "SIGKILL"); err != nil {
				return err
			}
			ended = m.gone(ctx, f.pid, wait-time.Since(begun))
		}
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%s on '%s': %w", action, id, ctx.Err())
		case !ended:
			return &service.NotDownError{Service: id, PID: f.pid, Waited: time.Since(begun)}
		}
	}
	if wait > 0 {
		wait = max(time.Second, wait-time.Since(begun))
	}
	if !anew {
		return m.start(ctx, id, action, wait)
	}
	// The job must not stay unloaded, so go on even if ctx ends.
	if err := m.unload(context.WithoutCancel(ctx), id, s, action); err != nil {
		return err
	}
	if err := m.start(context.WithoutCancel(ctx), id, action, 0); err != nil || wait <= 0 {
		return err
	}
	return m.start(ctx, id, action, wait)
}

// signal sends a signal to a job's process. It is no error if the process has ended meanwhile.
func (m *Manager) signal(ctx context.Context, id service.ID, s jobScope, pid int, name string) error {
	err := m.ctl(ctx, id, "restart", "kill", name, s.target(id))
	if err == nil {
		return nil
	}
	if f, lerr := m.look(ctx, id, s); lerr == nil && f.pid != pid {
		return nil
	}
	return err
}

// stale reports whether a job's file was written after its process started, or whether the process's start is unknown.
func (m *Manager) stale(id service.ID, s jobScope, pid int) bool {
	info, err := os.Stat(s.path(id))
	if err != nil {
		return false
	}
	st, err := profile.ReadState(m.profileHome(id))
	return err != nil || pid == 0 || st.PID != pid || !info.ModTime().Before(time.Unix(st.StartTime, 0))
}

// unload unloads a job whose process has ended. If launchd has started another process meanwhile, that one ends too.
func (m *Manager) unload(ctx context.Context, id service.ID, s jobScope, action string) error {
	f, err := m.look(ctx, id, s)
	if err != nil || !f.loaded {
		return err
	}
	err = m.ctl(ctx, id, action, "bootout", s.target(id))
	if now, lerr := m.look(ctx, id, s); err != nil && (lerr != nil || now.loaded && !now.leaving) {
		return err
	}
	return m.left(ctx, id, s, f.pid, action, 0)
}
