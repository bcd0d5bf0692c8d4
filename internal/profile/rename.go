package profile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
)

// Rename gives a profile another name. Its logs move too, and if it is the chosen profile (Active), it stays that; provision.Rename
// also keeps its port. Its gateway must be down (*RunningError). Other errors are *ExistsError and *NotFoundError. If the home was
// renamed and a later step failed, Rename returns both the new home and the error.
func (s *Store) Rename(ctx context.Context, from, to Name) (Home, error) {
	old, h := s.Home(from), s.Home(to)
	if err := s.CanRename(from, to); err != nil {
		return old, err
	}
	if err := s.move(ctx, old, h); err != nil {
		return old, err
	}
	return h, errors.Join(s.moveLogs(old, h), s.moveActive(from, to), moveState(ctx, h))
}

// CanRename checks that a profile exists and that its new name is free.
func (s *Store) CanRename(from, to Name) error {
	if from.IsDefault() || to.IsDefault() {
		return &RootProfileError{"`hermes profile rename`"}
	}
	if err := s.Home(from).check(); err != nil {
		return err
	}
	return s.Vacant(to)
}

func (s *Store) move(ctx context.Context, old, h Home) error {
	lock, err := lockGateway(ctx, old)
	if errors.Is(err, fs.ErrNotExist) {
		return &NotFoundError{old.Name, old.Dir}
	}
	if err != nil {
		return fmt.Errorf("cannot rename profile '%s': %w", old.Name, err)
	}
	defer lock.Unlock()
	if runtime.GOOS == "windows" { // Windows does not rename a directory while a file in it is open
		lock.Unlock()
	}
	if err := s.profiles().Rename(old.Name.String(), h.Name.String()); err != nil {
		if verr := s.Vacant(h.Name); verr != nil {
			return verr
		}
		return fmt.Errorf("cannot rename profile '%s': %w", old.Name, err)
	}
	return nil
}

func (s *Store) moveLogs(old, h Home) error {
	err := s.logs().Rename(old.Name.String(), h.Name.String())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("profile '%s' is renamed to '%s', but its logs stay where they were: %w", old.Name, h.Name, err)
	}
	return nil
}

func (s *Store) moveActive(from, to Name) error {
	active, ok, err := s.Active()
	if err != nil || !ok || active != from {
		return nil // the file was wrong before the rename
	}
	return s.SetActive(to)
}

// moveState corrects the paths in the state file.
func moveState(ctx context.Context, h Home) error {
	if _, err := ReadState(h); err != nil {
		return nil // it never ran, or the file is broken, which is not ours to repair
	}
	return UpdateState(ctx, h, func(s *State) error {
		if s.HermesHome != "" {
			s.HermesHome = h.Dir
		}
		s.Argv = nil // it contains the old name
		return nil
	})
}
