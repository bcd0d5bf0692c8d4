package local

import (
	"context"
	"fmt"
	"time"

	"hermes/internal/service"
)

// order applies an order. A pause before the next start does not count any more. The caller holds mu.
func (u *unit) order(e event) {
	u.to(e)
	u.earliest = time.Time{}
	u.wake()
	u.tell()
}

// refusal returns why the unit cannot take an order, or nil. The caller holds mu.
func (u *unit) refusal(action string) error {
	switch {
	case u.gone:
		return service.NotRegistered(u.id)
	case u.state.last() && action != "stop":
		return &service.CommandError{Manager: Name, Service: u.id, Action: action, Reason: "it is ending"}
	}
	return nil
}

func (u *unit) start(ctx context.Context, wait time.Duration) error {
	u.mu.Lock()
	if err := u.refusal("start"); err != nil || u.state == serving {
		u.mu.Unlock()
		return err
	}
	return u.startLocked(ctx, wait, time.Now())
}

// startLocked must be called with mu held. It unlocks mu.
func (u *unit) startLocked(ctx context.Context, wait time.Duration, begun time.Time) error {
	target := u.run
	if !u.state.busy() {
		u.failures, u.deaths, u.restarts, u.failed = nil, 0, 0, service.Death{}
	}
	if u.state != starting {
		target++
	}
	u.order(toStart)
	u.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	return u.awaitReady(ctx, target, wait, begun)
}

func (u *unit) restart(ctx context.Context, wait time.Duration) error {
	begun := time.Now()
	u.mu.Lock()
	if err := u.refusal("restart"); err != nil {
		u.mu.Unlock()
		return err
	}
	if !u.state.busy() {
		return u.startLocked(ctx, wait, begun)
	}
	target := u.run + 1
	u.order(toRestart)
	u.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	return u.awaitReady(ctx, target, wait, begun)
}

// awaitReady waits until the run with the number target, or a later one, is ready, or until target has ended.
func (u *unit) awaitReady(ctx context.Context, target int, wait time.Duration, begun time.Time) error {
	return u.await(ctx, begun.Add(wait), func(late bool) (bool, error) {
		over := u.run > target || u.run == target && !u.state.busy() || u.run < target && (u.state == down || u.state == closed)
		switch {
		case u.run >= target && u.state == serving:
			return true, nil
		case over || u.gone:
			return true, &service.NotReadyError{Service: u.id, Ended: true, ExitCode: u.last.code, Signal: u.last.signal,
				GaveUp: u.state == down || u.state == closed, Waited: time.Since(begun)}
		case late && u.run < target && u.proc != nil:
			return true, &service.NotDownError{Service: u.id, PID: u.proc.pid, Waited: time.Since(begun)}
		case late:
			return true, &service.NotReadyError{Service: u.id, ExitCode: -1, Waited: time.Since(begun)}
		}
		return false, nil
	})
}

func (u *unit) stop(ctx context.Context, wait time.Duration) error {
	begun := time.Now()
	u.mu.Lock()
	if err := u.refusal("stop"); err != nil {
		u.mu.Unlock()
		return err
	}
	target := u.run
	u.order(toStop)
	u.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	return u.await(ctx, begun.Add(wait), func(late bool) (bool, error) {
		if !u.state.busy() || u.run > target {
			return true, nil
		}
		if !late {
			return false, nil
		}
		e := &service.NotDownError{Service: u.id, Waited: time.Since(begun)}
		if u.proc != nil {
			e.PID = u.proc.pid
		}
		return true, e
	})
}

// await calls look, with mu held, at every change until look says that it is done. At the deadline it calls look a last time, with
// late.
func (u *unit) await(ctx context.Context, deadline time.Time, look func(late bool) (bool, error)) error {
	timeout := time.NewTimer(time.Until(deadline))
	defer timeout.Stop()
	late := false
	for {
		u.mu.Lock()
		done, err := look(late)
		if u.changed == nil {
			u.changed = make(chan struct{})
		}
		changed := u.changed
		u.mu.Unlock()
		if done || late {
			return err
		}
		select {
		case <-changed:
		case <-timeout.C:
			late = true
		case <-ctx.Done():
			return fmt.Errorf("waiting for '%s': %w", u.id, ctx.Err())
		}
	}
}

func (u *unit) status() service.Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	st := service.Status{ID: u.id, Up: u.proc != nil, WantUp: u.state.wanted(), ExitCode: -1, Restarts: u.restarts, LastFailure: u.failed, Backoff: u.state == backoff, For: time.Since(u.since)}
	if u.proc != nil {
		st.PID, st.Ready = u.proc.pid, u.ready
		return st
	}
	st.ExitCode, st.Signal = u.last.code, u.last.signal
	return st
}

// settled returns when the unit is down or ready, has failed, or cannot start any more.
func (u *unit) settled(ctx context.Context, wait time.Duration) {
	_ = u.await(ctx, time.Now().Add(wait), func(bool) (bool, error) {
		return u.state == down || u.state == serving || u.state.last() || u.deaths > 0, nil
	})
}
