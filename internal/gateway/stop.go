package gateway

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"hermes/internal/profile"
	"hermes/internal/volume"
)

// Stop ends a profile's gateway that no service manager runs, and returns when it is down; one that is
// down already is fine. It gets SIGTERM and the given time. A gateway that this process cannot see, such as one in
// another container on the volume, is *profile.RunningError.
func Stop(ctx context.Context, h profile.Home, wait time.Duration) error {
	lock, err := h.Files().TryLock(profile.LockName)
	if err == nil {
		return lock.Unlock()
	}
	if !errors.Is(err, volume.ErrLocked) {
		return fmt.Errorf("cannot stop the gateway of profile '%s': %w", h.Name, err)
	}
	holder, err := readIdentity(h, profile.PIDName)
	if err != nil || !holder.alive() {
		return &profile.RunningError{Name: h.Name}
	}
	p, err := os.FindProcess(holder.PID)
	if err != nil {
		return &profile.RunningError{Name: h.Name}
	}
	defer p.Release()
	if holder.alive() { // the handle is its, also if the number is used again
		if err := terminate(p); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("cannot stop the gateway of profile '%s' (pid %d): %w", h.Name, holder.PID, err)
		}
	}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if lock, err = h.Files().WaitLock(waiting, profile.LockName); err == nil {
		return lock.Unlock()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("the gateway of profile '%s' (pid %d) is not down %s after SIGTERM", h.Name, holder.PID, wait)
}
