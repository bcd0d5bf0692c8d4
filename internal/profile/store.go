package profile

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"hermes/internal/volume"
)

// ImageRoot is HERMES_HOME in the image (contract "On disk").
const ImageRoot = "/opt/data"

// NotFoundError reports a name without a home.
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

// RootFromEnv returns HERMES_HOME, else ~/.hermes, as an absolute path.
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

// Root is HERMES_HOME.
func (s *Store) Root() string { return s.root }

// Files is HERMES_HOME as a directory to read and write in.
func (s *Store) Files() volume.Dir { return s.files }

const (
	// profilesName is the directory of the named profiles, logsName that of their gateways' logs.
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

// Get returns the home of a profile that exists: a real directory that holds
// SOUL.md. The default profile exists always; Seed fills it. Errors are of type
// *NotFoundError, or say what is in the way.
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

// Entry is something in the profiles directory: a profile, or what looks like one
// and cannot be used. Err is nil for a usable profile.
type Entry struct {
	Home  Home
	Label string // the directory's name, also when it is no valid profile name
	Err   error
}

// List returns the default profile and every named one, by name. What cannot be
// used comes with its Err and does not hide the others; profiles/default always does. Other
// directories without SOUL.md are no profiles and are left out.
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

// inspect decides about one name in the profiles directory. ok is false for what
// is not meant to be a profile.
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

const soulTemplate = `# Who you are

You are a helpful assistant. Answer briefly and truthfully; say so when you do not know.

Edit this file to change who answers: it is the system prompt of this profile.
`

// Seed makes the home of a profile where it is missing: the directory (0700),
// SOUL.md, and an .env with a generated API key (0600). What exists is kept.
func (s *Store) Seed(n Name) (Home, error) {
	h := s.Home(n)
	if err := h.Files().MkdirAll(".", 0o700); err != nil {
		return h, fmt.Errorf("cannot make the home of profile '%s': %w", n, err)
	}
	for _, f := range []struct {
		name string
		data func() string
		perm fs.FileMode
	}{
		{EnvName, func() string {
			return "# Secrets of this profile. Keep this file private.\nAPI_SERVER_KEY=" + NewAPIKey() + "\n"
		}, 0o600},
		// Last: its presence makes the directory a profile.
		{SoulName, func() string { return soulTemplate }, 0o644},
	} {
		if _, err := h.Files().Lstat(f.name); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return h, err
		}
		if f.name == EnvName && h.generatedName() != EnvName {
			continue // below
		}
		if err := h.Files().WriteFile(f.name, []byte(f.data()), f.perm); err != nil {
			return h, fmt.Errorf("cannot seed profile '%s': %w", n, err)
		}
	}
	return h, h.ensureAPIKey()
}

// SeedForeign makes an API key for a home of hermes-agent that has none, in a file of our own. Any other home stays as it is.
func (h Home) SeedForeign() error {
	if env, err := LoadEnv(h); err != nil || env["API_SERVER_KEY"] != "" || h.generatedName() != OwnEnvName {
		return nil //nolint:nilerr // a wrong .env is the gateway's to report
	}
	return h.ensureAPIKey()
}

// ensureAPIKey adds an API key to an .env that somebody wrote without one.
func (h Home) ensureAPIKey() error {
	env, err := LoadEnv(h)
	if err != nil || env["API_SERVER_KEY"] != "" {
		return nil // a wrong .env is the gateway's to report
	}
	name := h.generatedName()
	old, err := h.Files().ReadFile(name, maxConfigFile)
	if errors.Is(err, fs.ErrNotExist) && name == OwnEnvName {
		old, err = []byte(ownEnvHeader), nil
	}
	if err != nil {
		return fmt.Errorf("cannot add an API key for profile '%s': %w", h.Name, err)
	}
	if len(old) > 0 && old[len(old)-1] != '\n' {
		old = append(old, '\n')
	}
	err = h.Files().WriteFile(name, append(old, "API_SERVER_KEY="+NewAPIKey()+"\n"...), 0o600)
	if errors.Is(err, volume.ErrMount) {
		return nil // the gateway says which line is missing
	}
	if err != nil {
		return fmt.Errorf("cannot add an API key for profile '%s': %w", h.Name, err)
	}
	return nil
}

// NewAPIKey returns a key of 192 random bits for a profile's API server.
func NewAPIKey() string {
	b := make([]byte, 24)
	rand.Read(b) // never fails: crypto/rand
	return "hk-" + base64.RawURLEncoding.EncodeToString(b)
}
