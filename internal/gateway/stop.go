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

// Stop ends a profile's gateway that no service manager runs: it sends SIGTERM and waits up to the given time. It returns when
// the gateway is down, and nil if it was down already. It returns *profile.RunningError for a gateway that this process cannot
// see, such as one in another container on the same volume.
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
	if holder.alive() { // the pid belongs to the gateway now, so the handle does too, even if the pid is reused later
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
