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

// ExistsError reports that a name is taken.
type ExistsError struct {
	Name Name
	Dir  string
	// Profile is false if what has the name is not a profile.
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

// Staging is a home that is being made, under a name that no profile can have. Its lock tells Sweep that a process is working on it.
type Staging struct {
	store *Store
	name  string // the name in the profiles directory; "" after Publish or Discard
	Files volume.Dir
	lock  *volume.Lock
}

// Stage begins a new home. The caller must call Publish or Discard.
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
		if try == 3 { // the sweep of another process may remove the directory before it is locked
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
		_ = s.profiles().RemoveAll(name) // if this fails, the next sweep removes it
		return nil, err
	}
	return &Staging{s, name, files, lock}, nil
}

// Home returns the staged directory as the Home of a profile.
func (st *Staging) Home(n Name) Home {
	return Home{Name: n, Dir: st.Files.Path("."), Root: st.store.root, files: st.Files, root: st.store.files}
}

// Publish renames the home to its final place, in one step. If that place is taken, it returns *ExistsError.
func (st *Staging) Publish(n Name) (Home, error) {
	h := st.store.Home(n)
	if err := st.store.Vacant(n); err != nil {
		return h, err
	}
	if runtime.GOOS == "windows" { // Windows does not rename a directory while a file in it is open
		st.lock.Unlock()
	}
	if err := st.store.profiles().Rename(st.name, n.String()); err != nil {
		if verr := st.store.Vacant(n); verr != nil {
			return h, verr // another process took the name first
		}
		return h, fmt.Errorf("cannot put profile '%s' in place: %w", n, err)
	}
	_ = h.Files().Remove(stagingLock) // the file does no harm if it stays, because nobody holds the lock
	st.lock.Unlock()
	st.name = ""
	return h, nil
}

// Discard removes the home if it was not published.
func (st *Staging) Discard() {
	if st.name == "" {
		return
	}
	st.lock.Unlock()
	_ = st.store.profiles().RemoveAll(st.name) // if this fails, the next sweep removes it
}

// Sweep removes what interrupted commands left in the profiles directory: unfinished homes and partly deleted ones. If something
// cannot be removed, the next sweep tries again.
func (s *Store) Sweep() {
	names, _ := s.hidden()
	for _, name := range names {
		switch {
		case strings.HasPrefix(name, deletedPrefix):
			_ = s.profiles().RemoveAll(name)
		case strings.HasPrefix(name, stagingPrefix):
			lock, err := s.profiles().Sub(name).TryLock(stagingLock)
			if err != nil {
				continue // a process is working on it
			}
			if runtime.GOOS == "windows" {
				lock.Unlock()
			}
			// Rename it first. Its maker may not have locked it yet, and must find it either whole or gone.
			if aside := deletedPrefix + name; s.profiles().Rename(name, aside) == nil {
				_ = s.profiles().RemoveAll(aside)
			}
			lock.Unlock()
		}
	}
}

// hidden returns the names in the profiles directory that no profile can have.
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
