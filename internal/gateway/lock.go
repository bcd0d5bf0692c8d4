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

// identity names one process. The pid alone does not, because the system gives it to another process later.
type identity struct {
	PID int `json:"pid"`
	// StartTime is in clock ticks since the machine booted (field 22 of /proc/<pid>/stat), or 0 where the system does not tell
	// it.
	StartTime uint64 `json:"start_time"`
}

// pidRecord is the content of gateway.pid.
type pidRecord struct {
	identity
	Argv    []string  `json:"argv"`
	Created time.Time `json:"created"`
}

// maxPIDFile limits the size of gateway.pid and of the takeover marker, in bytes.
const maxPIDFile = 64 << 10

func self() identity {
	start, _ := process.Started(os.Getpid()) // 0, also after an error, means that the time is unknown
	return identity{os.Getpid(), start}
}

// alive reports whether this process, with this start time, lives. A zombie does not live.
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

// heldLock is the profile's lock. The process that has it is the profile's gateway.
type heldLock struct {
	home profile.Home
	lock *volume.Lock
}

// release gives up the lock. It removes gateway.pid first, because the next holder writes a new one as soon as the lock is free.
func (l *heldLock) release() {
	_ = l.home.Files().Remove(profile.PIDName) // an old gateway.pid does no harm: the lock decides who is the gateway
	l.lock.Unlock()
}

// settle is how long the process that took the lock may take to write gateway.pid.
const settle = 250 * time.Millisecond

// acquire takes the lock; if Options.Replace is set, it takes it over from the gateway that has it. The kernel's lock decides
// whether a gateway runs; gateway.pid only says which process it is.
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

// tryLock returns the lock, or the process that has it, with PID 0 if that process cannot be seen from here.
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

// sign writes gateway.pid. Before that it removes a takeover marker: a marker that exists now was meant for an earlier gateway,
// since one for this gateway can only be written after its gateway.pid.
func (g *gateway) sign(lock *volume.Lock) (*heldLock, error) {
	held := &heldLock{g.o.Home, lock}
	_ = g.o.Home.Files().Remove(profile.TakeoverName) // usually there is none
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
