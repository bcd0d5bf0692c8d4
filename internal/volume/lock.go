package volume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrLocked reports that another process or Lock holds the lock.
var ErrLocked = errors.New("locked by another process")

// Lock is an advisory lock on a file (flock(2)). The kernel releases it when its holder dies, in whatever way.
type Lock struct{ f *os.File }

// lockPause is the pause between two tries of WaitLock. The locks for which WaitLock is meant are held for about that long.
const lockPause = 2 * time.Millisecond

// TryLock takes the lock on a file, which it creates if it is missing. If another process holds the lock, it returns ErrLocked at
// once.
func (d Dir) TryLock(name string) (*Lock, error) {
	for {
		f, err := d.openLock(name)
		if err != nil {
			return nil, fmt.Errorf("lock: %w", err)
		}
		ok, err := tryLock(f)
		if err == nil && !ok {
			err = ErrLocked
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: %w", d.Path(name), err)
		}
		// An earlier holder may have removed the file, or its directory, after we had opened it.
		if d.Is(name, f) {
			return &Lock{f}, nil
		}
		f.Close()
	}
}

// WaitLock takes the lock and waits for its holder until ctx ends; then it returns the error of ctx. It is meant for locks that are
// held while one file is rewritten.
func (d Dir) WaitLock(ctx context.Context, name string) (*Lock, error) {
	for {
		lock, err := d.TryLock(name)
		if !errors.Is(err, ErrLocked) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("lock %s: %w", d.Path(name), ctx.Err())
		case <-time.After(lockPause):
		}
	}
}

// Unlock releases the lock. It does not remove the file, because otherwise two holders could lock two different files of the same
// name.
func (l *Lock) Unlock() error { return l.f.Close() }
