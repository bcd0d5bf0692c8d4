package profile

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"time"

	"hermes/internal/volume"
)

// RootProfileError reports an attempt to delete, rename or overwrite the default profile.
type RootProfileError struct{ Action string }

func (e *RootProfileError) Error() string {
	return fmt.Sprintf("cannot touch the root profile: 'default' is the home of all others; %s is for named profiles", e.Action)
}

// RunningError reports that the profile's gateway still runs.
type RunningError struct {
	Name Name
	PID  int // 0 if it is unknown
}

func (e *RunningError) Error() string {
	who := "by a process that cannot be seen from here, perhaps in another container on this volume"
	if e.PID != 0 {
		who = fmt.Sprintf("with pid %d", e.PID)
	}
	return fmt.Sprintf("the gateway of profile '%s' still runs, %s: stop it first", e.Name, who)
}

// gatewayLockWait is how long a stopped gateway may take to release its lock.
const gatewayLockWait = 3 * time.Second

// lockGateway keeps gateways from starting in a home, by holding the lock that a gateway needs.
func lockGateway(ctx context.Context, h Home) (*volume.Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, gatewayLockWait)
	defer cancel()
	lock, err := h.Files().WaitLock(ctx, LockName)
	if err == nil || !errors.Is(err, volume.ErrLocked) && !errors.Is(err, context.DeadlineExceeded) {
		return lock, err
	}
	pid, _ := RunningPID(h)
	return nil, &RunningError{h.Name, pid}
}

// Delete removes a profile's home and its logs. First it renames the home, in one step, to a name that no profile can have. So
// nothing ever sees half a profile, and a gateway that still wants to write finds no directory. The profile's gateway must be down
// (*RunningError) and cannot start meanwhile. If there is no such profile, and nothing is left of one, the error is *NotFoundError.
//
// If Delete is interrupted, the next call removes what is left.
func (s *Store) Delete(ctx context.Context, n Name) error {
	if n.IsDefault() {
		return &RootProfileError{"`hermes profile delete`"}
	}
	left := s.Leftovers(n)
	err := s.setAside(ctx, n)
	var missing *NotFoundError
	if err != nil && (!errors.As(err, &missing) || !left) {
		return err
	}
	if err := s.removeAside(n); err != nil {
		return fmt.Errorf("profile '%s' is deleted, but not all of its files: %w; delete it once more when that is mended", n, err)
	}
	if err := s.removeLogs(n); err != nil {
		return fmt.Errorf("profile '%s' is deleted, but not its logs: %w", n, err)
	}
	return nil
}

// setAside renames a home to a name that no profile can have.
func (s *Store) setAside(ctx context.Context, n Name) error {
	h := s.Home(n)
	if err := h.exists(); err != nil {
		return err
	}
	lock, err := lockGateway(ctx, h)
	if errors.Is(err, fs.ErrNotExist) {
		return &NotFoundError{n, h.Dir} // another process deleted it first
	}
	if err != nil && !errors.Is(err, volume.ErrNotRegular) { // if the lock's file is not a regular file, no gateway can hold it
		return fmt.Errorf("cannot delete profile '%s': %w", n, err)
	}
	if lock != nil {
		defer lock.Unlock()
		if runtime.GOOS == "windows" { // Windows does not rename a directory while a file in it is open
			lock.Unlock()
		}
	}
	switch err := s.profiles().Rename(n.String(), asideName(n)); {
	case errors.Is(err, fs.ErrNotExist):
		return &NotFoundError{n, h.Dir}
	case err != nil:
		return fmt.Errorf("cannot delete profile '%s': %w", n, err)
	}
	return nil
}

// exists checks less than Get: a home that is to be deleted need not be usable.
func (h Home) exists() error {
	if err := h.Files().IsDir("."); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return &NotFoundError{h.Name, h.Dir}
		}
		return fmt.Errorf("%w: remove it yourself", err)
	}
	_, err := h.Files().Lstat(SoulName)
	if errors.Is(err, fs.ErrNotExist) {
		return &NotFoundError{h.Name, h.Dir}
	}
	return err
}

func asideName(n Name) string {
	b := make([]byte, 6)
	rand.Read(b) // crypto/rand.Read never fails
	return asidePrefix(n) + hex.EncodeToString(b)
}

// asidePrefix is how the names of a deleted home begin. A profile's name has no dot, so the prefix of one name never begins that of
// another.
func asidePrefix(n Name) string { return deletedPrefix + n.String() + "." }

func (s *Store) removeAside(n Name) error {
	names, err := s.hidden()
	errs := []error{err}
	for _, name := range names {
		if strings.HasPrefix(name, asidePrefix(n)) {
			errs = append(errs, s.profiles().RemoveAll(name))
		}
	}
	return errors.Join(errs...)
}

// removeLogs deletes the gateway's log directory. It does not follow a link.
func (s *Store) removeLogs(n Name) error { return s.logs().RemoveAll(n.String()) }

// Leftovers reports whether an interrupted delete left something of a profile whose home is gone.
func (s *Store) Leftovers(n Name) bool {
	if n.IsDefault() {
		return false
	}
	if _, err := s.profiles().Lstat(n.String()); err == nil {
		return false
	}
	if _, err := s.logs().Lstat(n.String()); err == nil {
		return true
	}
	names, _ := s.hidden()
	for _, name := range names {
		if strings.HasPrefix(name, asidePrefix(n)) {
			return true
		}
	}
	return false
}
