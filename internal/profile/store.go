package profile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"hermes/internal/volume"
)

// ImageRoot is HERMES_HOME in the image (contract "On disk").
const ImageRoot = "/opt/data"

// NotFoundError reports that there is no profile of that name.
type NotFoundError struct {
	Name Name
	Dir  string
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no such profile '%s': %s has no SOUL.md", e.Name, e.Dir)
}

// Store finds the profiles below one HERMES_HOME.
type Store struct {
	root  string
	files volume.Dir
}

// NewStore returns the store of an absolute root directory. The directory need not exist.
func NewStore(root string) *Store {
	root = filepath.Clean(root)
	return &Store{root, volume.At(root)}
}

// RootFromEnv returns HERMES_HOME or otherwise ~/.hermes, as an absolute path.
func RootFromEnv(getenv func(string) string) (string, error) {
	if dir := getenv("HERMES_HOME"); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("cannot resolve HERMES_HOME=%s: %w", dir, err)
		}
		return abs, nil
	}
	home := getenv("HOME")
	if home == "" {
		home = getenv("USERPROFILE")
	}
	if home == "" {
		return "", errors.New("cannot tell where profiles live: set HERMES_HOME")
	}
	return filepath.Join(home, ".hermes"), nil
}

// Root returns HERMES_HOME.
func (s *Store) Root() string { return s.root }

// Files returns HERMES_HOME as a directory to read and write in.
func (s *Store) Files() volume.Dir { return s.files }

const (
	// profilesName is the directory of the named profiles; logsName is the directory of all gateways' logs.
	profilesName = "profiles"
	logsName     = "logs/gateways"
)

func (s *Store) profiles() volume.Dir { return s.files.Sub(profilesName) }
func (s *Store) logs() volume.Dir     { return s.files.Sub(logsName) }

// Home returns the paths of a profile, whether or not it exists.
func (s *Store) Home(n Name) Home {
	if n.IsDefault() {
		return Home{Name: n, Dir: s.root, Root: s.root, files: s.files, root: s.files}
	}
	return Home{Name: n, Dir: filepath.Join(s.root, profilesName, n.String()), Root: s.root, files: s.profiles().Sub(n.String()), root: s.files}
}

// Get returns the home of an existing profile, which is a real directory with a SOUL.md. The default profile always exists;
// provision.Seed fills it. The errors are *NotFoundError, or say what is in the way.
func (s *Store) Get(n Name) (Home, error) {
	h := s.Home(n)
	if n.IsDefault() {
		return h, nil
	}
	return h, h.check()
}

func (h Home) check() error {
	if err := h.Files().IsDir("."); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return &NotFoundError{h.Name, h.Dir}
		}
		return err
	}
	info, err := h.Files().Lstat(SoulName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &NotFoundError{h.Name, h.Dir}
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is %s: %w", h.Soul(), volume.Kind(info.Mode()), volume.ErrNotRegular)
	}
	return nil
}

// Entry is a profile in the profiles directory, or something that looks like a profile and cannot be used. Err is nil for a usable
// profile.
type Entry struct {
	Home  Home
	Label string // the directory's name, even if it is not a valid profile name
	Err   error
}

// List returns the default profile and all named ones, ordered by name. An entry that cannot be used has an Err and does not hide
// the others; that is always so for profiles/default. Other directories without SOUL.md are not profiles and are left out.
func (s *Store) List() ([]Entry, error) {
	entries := []Entry{{Home: s.Home(Default()), Label: DefaultName}}
	names, err := s.files.ReadDir(profilesName)
	if errors.Is(err, fs.ErrNotExist) {
		return entries, nil
	}
	if err != nil {
		return entries, fmt.Errorf("cannot list profiles: %w", err)
	}
	for _, e := range names {
		if e.Type().IsRegular() || e.Name()[0] == '.' {
			continue
		}
		if entry, ok := s.inspect(e.Name()); ok {
			entries = append(entries, entry)
		}
	}
	slices.SortStableFunc(entries[1:], func(a, b Entry) int { return cmp.Compare(a.Label, b.Label) })
	return entries, nil
}

// inspect makes the entry for one name in the profiles directory. ok is false if it is not meant to be a profile.
func (s *Store) inspect(label string) (_ Entry, ok bool) {
	name, err := NewName(label)
	if err != nil {
		if label == DefaultName {
			return Entry{Label: label, Err: fmt.Errorf("%s is never used: the home of profile 'default' is %s", s.profiles().Path(label), s.root)}, true
		}
		_, serr := s.profiles().Sub(label).Lstat(SoulName)
		return Entry{Label: label, Err: err}, serr == nil
	}
	h := s.Home(name)
	err = h.check()
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return Entry{}, false
	}
	return Entry{Home: h, Label: label, Err: err}, true
}

// CheckSource checks that a profile can be copied. If it does not exist, the error is *NotFoundError.
func (h Home) CheckSource() error {
	if h.Name.IsDefault() {
		if _, err := h.Files().Lstat(SoulName); err != nil {
			return &NotFoundError{h.Name, h.Dir}
		}
		return nil
	}
	return h.check()
}
