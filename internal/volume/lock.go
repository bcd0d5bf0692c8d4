package volume

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// ErrLocked reports a lock that somebody else holds.
var ErrLocked = errors.New("locked by another process")

// Lock is an advisory lock on a file (flock(2)). The kernel releases it when
// its holder dies, however that happens.
type Lock struct{ f *flock.Flock }

func newLock(path string) (*flock.Flock, error) {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, notRegular(path, info.Mode())
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|openFlags), flock.SetPermissions(0o600)), nil
}

// TryLock takes the lock, or returns ErrLocked at once.
func TryLock(path string) (*Lock, error) {
	f, err := newLock(path)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	ok, err := f.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !ok {
		return nil, fmt.Errorf("%s: %w", path, ErrLocked)
	}
	return taken(f, path)
}

// WaitLock takes the lock, waiting for its holder until ctx ends. It is for locks that
// are held for the length of one file's rewrite.
func WaitLock(ctx context.Context, path string) (*Lock, error) {
	f, err := newLock(path)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	ok, err := f.TryLockContext(ctx, 2*time.Millisecond)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !ok {
		return nil, fmt.Errorf("%s: %w", path, ErrLocked)
	}
	return taken(f, path)
}

// taken returns a lock that was taken, whose file may be new.
func taken(f *flock.Flock, path string) (*Lock, error) {
	if err := giveLock(path); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &Lock{f}, nil
}

// Unlock releases the lock. The file stays: removing it would let two holders
// lock two files of one name.
func (l *Lock) Unlock() error { return l.f.Close() }
