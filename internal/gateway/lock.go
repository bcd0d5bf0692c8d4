package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"hermes/internal/process"
	"hermes/internal/profile"
	"hermes/internal/volume"
)

// identity names a process beyond its pid, which is used again.
type identity struct {
	PID int `json:"pid"`
	// StartTime is in clock ticks since the machine's boot (field 22 of /proc/<pid>/stat).
	// 0 where the system does not say.
	StartTime uint64 `json:"start_time"`
}

// pidRecord is the content of gateway.pid.
type pidRecord struct {
	identity
	Argv    []string  `json:"argv"`
	Created time.Time `json:"created"`
}

// maxPIDFile bounds gateway.pid and the takeover marker.
const maxPIDFile = 64 << 10

func self() identity {
	start, _ := process.Started(os.Getpid()) // 0 is "unknown"
	return identity{os.Getpid(), start}
}

// alive reports whether that very process lives. A zombie does not.
func (id identity) alive() bool {
	if id.PID <= 0 {
		return false
	}
	start, ok := process.Started(id.PID)
	return ok && start == id.StartTime
}

func readIdentity(h profile.Home, name string) (id identity, err error) {
	data, err := h.Files().ReadFile(name, maxPIDFile)
	if err != nil {
		return id, err
	}
	return id, json.Unmarshal(data, &id)
}

// heldLock is the right to be the profile's gateway.
type heldLock struct {
	home profile.Home
	lock *volume.Lock
}

// release gives it up. gateway.pid goes first: a new holder writes its own.
func (l *heldLock) release() {
	_ = l.home.Files().Remove(profile.PIDName) // the lock tells the truth
	l.lock.Unlock()
}

// settle is how long the lock's holder may take to write its name.
const settle = 250 * time.Millisecond

// acquire takes the lock, from its holder if Options.Replace says so. The kernel's lock
// tells the truth about whether there is a holder; gateway.pid only names it.
func (g *gateway) acquire(ctx context.Context) (*heldLock, error) {
	lock, holder, err := g.tryLock(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot start the gateway of profile '%s': %w", g.o.Home.Name, err)
	}
	if lock == nil {
		held := &HeldError{Name: g.o.Home.Name.String(), Lock: g.o.Home.LockFile(), PID: holder.PID}
		if !g.o.Replace || holder.PID == 0 || holder == self() {
			return nil, held
		}
		if lock, err = g.takeOver(ctx, holder); err != nil {
			return nil, err
		}
	}
	return g.sign(lock)
}

// tryLock returns the lock, or who holds it. PID 0: nobody that can be seen.
func (g *gateway) tryLock(ctx context.Context) (*volume.Lock, identity, error) {
	deadline := time.Now().Add(settle)
	for {
		lock, err := g.o.Home.Files().TryLock(profile.LockName)
		if err == nil || !errors.Is(err, volume.ErrLocked) {
			return lock, identity{}, err
		}
		holder, err := readIdentity(g.o.Home, profile.PIDName)
		if err == nil && holder.alive() {
			return nil, holder, nil
		}
		if time.Now().After(deadline) {
			return nil, identity{}, nil
		}
		wait, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
		lock, err = g.o.Home.Files().WaitLock(wait, profile.LockName)
		cancel()
		if err == nil {
			return lock, identity{}, nil
		}
		if ctx.Err() != nil {
			return nil, identity{}, context.Cause(ctx)
		}
	}
}

// sign writes gateway.pid. A takeover marker that is there now is meant for somebody who
// has gone: ours can only be written after this.
func (g *gateway) sign(lock *volume.Lock) (*heldLock, error) {
	held := &heldLock{g.o.Home, lock}
	_ = g.o.Home.Files().Remove(profile.TakeoverName) // mostly there is none
	data, err := json.Marshal(pidRecord{self(), g.o.Argv, time.Now().UTC().Truncate(time.Millisecond)})
	if err == nil {
		err = g.o.Home.Files().WriteTransient(profile.PIDName, append(data, '\n'), 0o644)
	}
	if err != nil {
		held.release()
		return nil, fmt.Errorf("cannot start the gateway of profile '%s': %w", g.o.Home.Name, err)
	}
	return held, nil
}
