// Package profiletest has helpers for the tests of profile and the packages below it.
package profiletest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hermes/internal/profile"
)

// Getenv returns a getenv function that knows the pairs NAME=value.
func Getenv(pairs ...string) func(string) string {
	m := map[string]string{}
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		m[name] = value
	}
	return func(name string) string { return m[name] }
}

// Name parses a name and fails the test if it is not valid.
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

// Outside makes a profile by hand, as a person does who does not use our commands.
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

// Put writes a file and creates the directories above it.
func Put(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Read returns the content of a file.
func Read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Files lists the files below a directory, with slashes in their paths.
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

// Entries lists the content of the directory of named profiles, hidden names included.
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
