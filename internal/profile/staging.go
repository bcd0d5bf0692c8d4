package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// vacant checks that a name is free.
func (s *Store) vacant(n Name) error {
	h := s.Home(n)
	if n.IsDefault() {
		return &ExistsError{n, h.Dir, true}
	}
	switch _, err := os.Lstat(h.Dir); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return &ExistsError{n, h.Dir, h.check() == nil}
}

func (s *Store) profilesDir() string { return filepath.Join(s.root, "profiles") }

// staging is a home that is being made, under a name that no profile can have. Its lock tells a
// sweep that somebody is at it.
type staging struct {
	store *Store
	dir   string
	root  *os.Root
	lock  *volume.Lock
}

func (s *Store) stage() (*staging, error) {
	if err := os.MkdirAll(s.profilesDir(), 0o755); err != nil {
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

func (s *Store) tryStage() (*staging, error) {
	dir, err := os.MkdirTemp(s.profilesDir(), stagingPrefix)
	if err != nil {
		return nil, err
	}
	lock, err := volume.TryLock(filepath.Join(dir, stagingLock))
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		lock.Unlock()
		os.RemoveAll(dir)
		return nil, err
	}
	return &staging{s, dir, root, lock}, nil
}

// home is the staged home as one of a profile.
func (st *staging) home(n Name) Home { return Home{Name: n, Dir: st.dir, Root: st.store.root} }

// publish puts the home in its place, all at once, and never over something else.
func (st *staging) publish(n Name) (Home, error) {
	h := st.store.Home(n)
	if err := st.store.vacant(n); err != nil {
		return h, err
	}
	st.root.Close()
	if runtime.GOOS == "windows" { // which renames no directory with an open file
		st.lock.Unlock()
	}
	if err := os.Rename(st.dir, h.Dir); err != nil {
		if verr := st.store.vacant(n); verr != nil {
			return h, verr // somebody else was faster
		}
		return h, fmt.Errorf("cannot put profile '%s' in place: %w", n, err)
	}
	os.Remove(filepath.Join(h.Dir, stagingLock))
	st.lock.Unlock()
	st.dir = ""
	return h, nil
}

// discard removes what was not published.
func (st *staging) discard() {
	if st.dir == "" {
		return
	}
	st.root.Close()
	st.lock.Unlock()
	if r, err := os.OpenRoot(st.store.profilesDir()); err == nil {
		_ = r.RemoveAll(filepath.Base(st.dir)) // else the next sweep does it
		r.Close()
	}
}

// Sweep removes what interrupted commands left in the profiles directory: homes half made and half deleted.
// It is no error if something stays: the next sweep tries again.
func (s *Store) Sweep() {
	r, err := os.OpenRoot(s.profilesDir())
	if err != nil {
		return
	}
	defer r.Close()
	for _, name := range hiddenNames(r) {
		switch {
		case strings.HasPrefix(name, deletedPrefix):
			_ = r.RemoveAll(name)
		case strings.HasPrefix(name, stagingPrefix):
			lock, err := volume.TryLock(filepath.Join(s.profilesDir(), name, stagingLock))
			if err != nil {
				continue // somebody is at it
			}
			if runtime.GOOS == "windows" {
				lock.Unlock()
			}
			_ = r.RemoveAll(name)
			lock.Unlock()
		}
	}
}

func hiddenNames(r *os.Root) []string {
	d, err := r.Open(".")
	if err != nil {
		return nil
	}
	defer d.Close()
	all, _ := d.Readdirnames(-1)
	var names []string
	for _, name := range all {
		if name[0] == '.' {
			names = append(names, name)
		}
	}
	return names
}
