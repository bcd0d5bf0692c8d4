package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"

	"hermes/internal/volume"
)

const (
	stagingPrefix = ".staging-"
	deletedPrefix = ".deleted-"
	stagingLock   = ".staging.lock"
)

// ExistsError reports a name whose place is taken.
type ExistsError struct {
	Name Name
	Dir  string
	// Profile is false for something in that place that is no profile.
	Profile bool
}

func (e *ExistsError) Error() string {
	if e.Profile {
		return fmt.Sprintf("profile '%s' exists already: choose another name, or delete it first with `hermes profile delete %s`", e.Name, e.Name)
	}
	return fmt.Sprintf("%s exists already and is no profile: move it away, or choose another name than '%s'", e.Dir, e.Name)
}

// Vacant checks that a name is free.
func (s *Store) Vacant(n Name) error {
	h := s.Home(n)
	if n.IsDefault() {
		return &ExistsError{n, h.Dir, true}
	}
	switch _, err := s.profiles().Lstat(n.String()); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return &ExistsError{n, h.Dir, h.check() == nil}
}

// Staging is a home that is being made, under a name that no profile can have. Its lock tells a
// sweep that somebody is at it.
type Staging struct {
	store *Store
	name  string // in the profiles directory; "" when it is published or discarded
	Files volume.Dir
	lock  *volume.Lock
}

// Stage begins a new home. Whoever calls it publishes or discards it.
func (s *Store) Stage() (*Staging, error) {
	if err := s.profiles().MkdirAll(".", 0o755); err != nil {
		return nil, fmt.Errorf("cannot make a profile: %w", err)
	}
	s.Sweep()
	for try := 0; ; try++ {
		st, err := s.tryStage()
		if err == nil {
			return st, nil
		}
		if try == 3 { // a sweep of somebody else may come between
			return nil, fmt.Errorf("cannot make a profile: %w", err)
		}
	}
}

func (s *Store) tryStage() (*Staging, error) {
	name, err := s.profiles().MkdirTemp(stagingPrefix)
	if err != nil {
		return nil, err
	}
	files := s.profiles().Sub(name)
	lock, err := files.TryLock(stagingLock)
	if err != nil {
		_ = s.profiles().RemoveAll(name) // else the next sweep does it
		return nil, err
	}
	return &Staging{s, name, files, lock}, nil
}

// Home is the staged home as one of a profile.
func (st *Staging) Home(n Name) Home {
	return Home{Name: n, Dir: st.Files.Path("."), Root: st.store.root, files: st.Files, root: st.store.files}
}

// Publish puts the home in its place, all at once, and never over something else: *ExistsError.
func (st *Staging) Publish(n Name) (Home, error) {
	h := st.store.Home(n)
	if err := st.store.Vacant(n); err != nil {
		return h, err
	}
	if runtime.GOOS == "windows" { // which renames no directory with an open file
		st.lock.Unlock()
	}
	if err := st.store.profiles().Rename(st.name, n.String()); err != nil {
		if verr := st.store.Vacant(n); verr != nil {
			return h, verr // somebody else was faster
		}
		return h, fmt.Errorf("cannot put profile '%s' in place: %w", n, err)
	}
	_ = h.Files().Remove(stagingLock) // a lock that nobody holds is no harm
	st.lock.Unlock()
	st.name = ""
	return h, nil
}

// Discard removes what was not published.
func (st *Staging) Discard() {
	if st.name == "" {
		return
	}
	st.lock.Unlock()
	_ = st.store.profiles().RemoveAll(st.name) // else the next sweep does it
}

// Sweep removes what interrupted commands left in the profiles directory: homes half made and half deleted.
// It is no error if something stays: the next sweep tries again.
func (s *Store) Sweep() {
	names, _ := s.hidden()
	for _, name := range names {
		switch {
		case strings.HasPrefix(name, deletedPrefix):
			_ = s.profiles().RemoveAll(name)
		case strings.HasPrefix(name, stagingPrefix):
			lock, err := s.profiles().Sub(name).TryLock(stagingLock)
			if err != nil {
				continue // somebody is at it
			}
			if runtime.GOOS == "windows" {
				lock.Unlock()
			}
			// Out of the way first: its maker, who may not have locked it yet, then finds it gone as a whole.
			if aside := deletedPrefix + name; s.profiles().Rename(name, aside) == nil {
				_ = s.profiles().RemoveAll(aside)
			}
			lock.Unlock()
		}
	}
}

// hidden returns what lies in the profiles directory under names that no profile can have.
func (s *Store) hidden() ([]string, error) {
	entries, err := s.files.ReadDir(profilesName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if e.Name()[0] == '.' {
			names = append(names, e.Name())
		}
	}
	return names, err
}
