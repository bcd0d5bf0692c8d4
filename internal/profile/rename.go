package profile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
)

// Rename gives a profile another name. Its logs and its place as the chosen profile (Active) go with it, and so does its port if
// it has one: provision.Rename sees to that. Its gateway must be down (*RunningError). Other errors are *ExistsError and
// *NotFoundError. A home that was renamed is returned also with an error, which is about what goes with it.
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

// CanRename checks whether a profile is there and its new name is free.
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
	if runtime.GOOS == "windows" { // which renames no directory with an open file
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
		return nil // what is wrong with it was wrong before
	}
	return s.SetActive(to)
}

// moveState corrects what the state says about where it lies.
func moveState(ctx context.Context, h Home) error {
	if _, err := ReadState(h); err != nil {
		return nil // it never ran, or the file is not ours to mend
	}
	return UpdateState(ctx, h, func(s *State) error {
		if s.HermesHome != "" {
			s.HermesHome = h.Dir
		}
		s.Argv = nil // it named the old profile
		return nil
	})
}
