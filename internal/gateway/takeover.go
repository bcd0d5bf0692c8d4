package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"hermes/internal/profile"
	"hermes/internal/volume"
)

const (
	// takeoverTerm is how long the replaced gateway may drain after SIGTERM.
	takeoverTerm = 10 * time.Second
	// takeoverKill is how long the kernel may take to end the replaced gateway after SIGKILL.
	takeoverKill = 2 * time.Second
	// takeoverDrain is how long the replaced gateway lets its turns run. It is shorter than takeoverTerm, so that the turns can
	// still save their answers before SIGKILL.
	takeoverDrain = 8 * time.Second
)

// marker is the content of the takeover file. Its identity is the gateway that has to end.
type marker struct {
	identity
	By      int       `json:"by"` // the pid of the gateway that takes over
	Created time.Time `json:"created"`
}

// takeOver ends the gateway that has the lock and returns the lock.
func (g *gateway) takeOver(ctx context.Context, holder identity) (*volume.Lock, error) {
	fail := func(err error) error {
		return fmt.Errorf("cannot take over from the gateway with pid %d: %w", holder.PID, err)
	}
	// The handle is a pidfd where the system has them. The pid belongs to the holder now, so the handle stays with the holder,
	// even if the pid is given to another process later.
	p, err := os.FindProcess(holder.PID)
	if err != nil {
		return nil, fail(err)
	}
	defer p.Release()

	data, err := json.Marshal(marker{holder, os.Getpid(), time.Now().UTC().Truncate(time.Millisecond)})
	if err != nil {
		return nil, fail(err)
	}
	if err := g.o.Home.Files().WriteFile(profile.TakeoverName, append(data, '\n'), 0o644); err != nil {
		return nil, fail(err)
	}
	g.log.Info("taking over", "from_pid", holder.PID)
	for _, step := range []struct {
		signal func(*os.Process) error
		wait   time.Duration
	}{{terminate, g.term}, {(*os.Process).Kill, takeoverKill}} {
		if holder.alive() {
			if err := step.signal(p); err != nil && !errors.Is(err, os.ErrProcessDone) {
				_ = g.o.Home.Files().Remove(profile.TakeoverName) // the holder stays, and its next stop must not look like a takeover
				return nil, fail(err)
			}
		}
		lock, err := g.waitLock(ctx, step.wait, holder)
		if err != nil || lock != nil {
			return lock, err
		}
		g.log.Warn("the gateway to replace still holds the lock", "pid", holder.PID, "waited", step.wait.String())
	}
	return nil, fail(fmt.Errorf("it still lives %s after SIGKILL", takeoverKill))
}

// waitLock waits for the lock. It returns nil, nil when the time is over, and an error when another process than the holder has
// it.
func (g *gateway) waitLock(ctx context.Context, d time.Duration, holder identity) (*volume.Lock, error) {
	deadline := time.Now().Add(d)
	for time.Now().Before(deadline) {
		slice, cancel := context.WithTimeout(ctx, min(200*time.Millisecond, time.Until(deadline)))
		lock, err := g.o.Home.Files().WaitLock(slice, profile.LockName)
		cancel()
		switch {
		case err == nil:
			return lock, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !holder.alive():
			lock, next, err := g.tryLock(ctx)
			if err != nil || lock != nil {
				return lock, err
			}
			return nil, &HeldError{Name: g.o.Home.Name.String(), Lock: g.o.Home.LockFile(), PID: next.PID}
		}
		select {
		case sig := <-g.signals:
			return nil, &SignalError{sig}
		default:
		}
	}
	return nil, nil
}

// takenOver reports whether another gateway has written a takeover marker for this process.
func (g *gateway) takenOver() bool {
	id, err := readIdentity(g.o.Home, profile.TakeoverName)
	return err == nil && id == self()
}
