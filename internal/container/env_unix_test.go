//go:build unix

package container

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheEnvironmentIsStoredToTheLastByte(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "env")
	values := map[string]string{
		"PLAIN": "x", "EMPTY": "", "NEWLINES": "\na\n\nb\n", "EQUALS": "a=b=c", "SPACES": "  x\t", "BYTES": "\xff\x01", "lower.dot-dash": "y",
		"WITH SPACE": "z", strings.Repeat("L", 255): "long", "BIG": strings.Repeat("v", 1<<17), "%s": "format", "-rf": "dash", "~": "tilde",
	}
	environ := []string{"=C:=windows", "NOEQUALS", ".hidden=1", "..=1", ".=1", "a/b=1", "../escape=1", "/abs=1", strings.Repeat("L", 256) + "=1", ""}
	for name, value := range values {
		environ = append(environ, name+"="+value)
	}
	if err := WriteEnvironment(dir, environ, -1); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		want, ok := values[e.Name()]
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if !ok || err != nil || string(data) != want {
			t.Errorf("%.60q holds %.60q, %v", e.Name(), data, err)
		}
		if info, err := e.Info(); err != nil || info.Mode().Perm()&^0o640 != 0 {
			t.Errorf("%.60q has mode %v: values can be secrets", e.Name(), info.Mode())
		}
	}
	if len(entries) != len(values) {
		t.Errorf("%d files, want %d", len(entries), len(values))
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&^0o750 != 0 {
		t.Errorf("the directory has mode %v, %v", info.Mode(), err)
	}
	if outside, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(outside) != 1 {
		t.Errorf("something was written outside: %v, %v", outside, err)
	}
}

func TestTheLastOfTwoValuesWins(t *testing.T) {
	dir := t.TempDir()
	if err := WriteEnvironment(dir, []string{"A=long value", "A=x"}, -1); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "A")); err != nil || string(data) != "x" {
		t.Errorf("got %q, %v", data, err)
	}
}

func TestScriptsAreExecutableAndOnlyTheirOwnerCanChangeThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "run")
	if err := writeScripts([]script{{path, "#!/bin/sh\n"}}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o022 != 0 || info.Mode().Perm()&0o500 != 0o500 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
