package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// activeName is the file with the profile that commands without -p use, for people at a host's shell.
const activeName = ".active_profile"

// Active returns the profile that `hermes profile use` chose. ok is false if none is chosen. It does not check whether the profile
// exists.
func (s *Store) Active() (n Name, ok bool, err error) {
	data, err := s.files.ReadFile(activeName, 4096)
	if errors.Is(err, fs.ErrNotExist) {
		return Name{}, false, nil
	}
	if err == nil {
		n, err = ParseName(strings.TrimSpace(string(data)))
	}
	if err != nil {
		return Name{}, false, fmt.Errorf("cannot tell which profile `hermes profile use` chose, from %s: %w; "+
			"choose again, or forget it with `hermes profile use --clear`", s.files.Path(activeName), err)
	}
	return n, !n.IsDefault(), nil
}

// ActiveGoneError reports that the chosen profile does not exist any more.
type ActiveGoneError struct {
	Name  Name
	Cause error
}

func (e *ActiveGoneError) Error() string {
	return fmt.Sprintf("the profile that `hermes profile use` chose is not there: %v; "+
		"choose another with `hermes profile use NAME`, or forget it with `hermes profile use --clear`", e.Cause)
}

func (e *ActiveGoneError) Unwrap() error { return e.Cause }

// ActiveOrDefault returns the chosen profile, or the default profile if none is chosen. If the chosen profile is gone, it returns
// *ActiveGoneError, because a command must not silently use another profile.
func (s *Store) ActiveOrDefault() (Name, error) {
	n, ok, err := s.Active()
	if err != nil || !ok {
		return Default(), err
	}
	if _, err := s.Get(n); err != nil {
		return n, &ActiveGoneError{n, err}
	}
	return n, nil
}

// SetActive chooses a profile, which must exist. Choosing the default profile is the same as choosing none.
func (s *Store) SetActive(n Name) error {
	if n.IsDefault() {
		return s.ClearActive()
	}
	if _, err := s.Get(n); err != nil {
		return err
	}
	if err := s.files.WriteFile(activeName, []byte(n.String()+"\n"), 0o644); err != nil {
		return fmt.Errorf("cannot choose profile '%s': %w", n, err)
	}
	return nil
}

// ClearActive chooses no profile.
func (s *Store) ClearActive() error {
	if err := s.files.RemoveIfThere(activeName); err != nil {
		return fmt.Errorf("cannot forget the chosen profile: %w", err)
	}
	return nil
}
