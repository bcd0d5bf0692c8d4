package volume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrLocked reports a lock that somebody else holds.
var ErrLocked = errors.New("locked by another process")

// Lock is an advisory lock on a file (flock(2)). The kernel releases it when
// its holder dies, however that happens.
type Lock struct{ f *os.File }

// lockPause is how long WaitLock waits between two tries. The locks that it is for are held for about that long.
const lockPause = 2 * time.Millisecond

// TryLock takes the lock on a file, which it makes if it is not there, or returns ErrLocked at once.
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
		// Somebody who held it may have removed the file, or the directory, since it was opened.
		if d.Is(name, f) {
			return &Lock{f}, nil
		}
		f.Close()
	}
}

// WaitLock takes the lock, waiting for its holder until ctx ends; then it returns ctx's error. It is for locks that
// are held for the length of one file's rewrite.
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

// Unlock releases the lock. The file stays: removing it would let two holders
// lock two files of one name.
func (l *Lock) Unlock() error { return l.f.Close() }
