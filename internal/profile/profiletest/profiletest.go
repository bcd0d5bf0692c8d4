// Package profiletest has what the tests of profile's packages share.
package profiletest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hermes/internal/profile"
)

// Getenv returns an environment of pairs NAME=value.
func Getenv(pairs ...string) func(string) string {
	m := map[string]string{}
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		m[name] = value
	}
	return func(name string) string { return m[name] }
}

// Name parses a name that is valid.
func Name(t testing.TB, s string) profile.Name {
	t.Helper()
	n, err := profile.ParseName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Home returns the home of the default profile in an empty directory.
func Home(t testing.TB) profile.Home {
	t.Helper()
	dir := t.TempDir()
	return profile.Home{Name: profile.Default(), Dir: dir, Root: dir}
}

// Outside makes a profile the way somebody does who knows none of our commands.
func Outside(t testing.TB, s *profile.Store, label, envText, config string) profile.Home {
	t.Helper()
	h := s.Home(Name(t, label))
	if err := os.MkdirAll(h.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	Put(t, h.Soul(), "x")
	if envText != "" {
		Put(t, h.Env(), envText)
	}
	if config != "" {
		Put(t, h.Config(), config)
	}
	return h
}

// Put writes a file and makes the directories above it.
func Put(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Read returns what a file says.
func Read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Files lists the files below a directory, with slashes.
func Files(t testing.TB, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			all = append(all, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Entries lists what is in the directory of the named profiles, hidden names included.
func Entries(t testing.TB, s *profile.Store) []string {
	t.Helper()
	entries, err := os.ReadDir(s.Files().Path("profiles"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
