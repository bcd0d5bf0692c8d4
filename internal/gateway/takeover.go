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
	// takeoverTerm is how long a replaced gateway may drain after SIGTERM.
	takeoverTerm = 10 * time.Second
	// takeoverKill is how long the kernel may take to end it after SIGKILL.
	takeoverKill = 2 * time.Second
	// takeoverDrain is what a replaced gateway allows its turns, so that it can still
	// save what they said before the kill.
	takeoverDrain = 8 * time.Second
)

// marker is the content of the takeover file: whom it tells to go.
type marker struct {
	identity
	By      int       `json:"by"` // the pid of who takes over
	Created time.Time `json:"created"`
}

// takeOver ends the holder and returns its lock.
func (g *gateway) takeOver(ctx context.Context, holder identity) (*volume.Lock, error) {
	fail := func(err error) error {
		return fmt.Errorf("cannot take over from the gateway with pid %d: %w", holder.PID, err)
	}
	// The handle is a pidfd where the system has them: if it is the holder's now, it is
	// the holder's for good, whatever becomes of the number.
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
				_ = g.o.Home.Files().Remove(profile.TakeoverName) // the holder stays: its next stop is not ours
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

// waitLock waits for the lock until the time is over (nil, nil), or somebody else than
// the holder has it.
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

// takenOver reports whether somebody marked this process for a takeover.
func (g *gateway) takenOver() bool {
	id, err := readIdentity(g.o.Home, profile.TakeoverName)
	return err == nil && id == self()
}
