package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const repository = "../../.."

// TestCommittedDocumentsAreCurrent fails when somebody changed the code and not the documents.
func TestCommittedDocumentsAreCurrent(t *testing.T) {
	for name, text := range documents {
		want, err := text(repository)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(name)))
		if err != nil {
			t.Error(err)
			continue
		}
		if string(got) != want {
			t.Errorf("%s is not what the code says: run `make docs` and commit it; the first line that differs: %s", name, difference(string(got), want))
		}
	}
}

func difference(got, want string) string {
	w := strings.Split(want, "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(w) || line != w[i] {
			return line
		}
	}
	return "at the end"
}

// TestEveryVariableIsDocumented walks the code for names of variables.
func TestEveryVariableIsDocumented(t *testing.T) {
	mentioned := map[string]bool{}
	name := regexp.MustCompile(`\b(?:HERMES_[A-Z0-9]|API_SERVER_[A-Z]|PUID\b|PGID\b)[A-Z0-9_]*`)
	for _, dir := range []string{"internal", "image"} {
		err := filepath.WalkDir(filepath.Join(repository, dir), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "gen" || d.Name() == "testdata"):
				return filepath.SkipDir
			case d.IsDir() || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "servicetest"):
				return nil
			}
			text, err := os.ReadFile(path)
			for _, n := range name.FindAllString(string(text), -1) {
				if !strings.HasSuffix(n, "_") { // a prefix, in a comment
					mentioned[n] = true
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	documented := map[string]bool{}
	for _, v := range variables {
		documented[v.name] = true
		if mentioned[v.name] == v.planned {
			t.Errorf("%s: the code mentions it: %v; the table says that nothing reads it: %v", v.name, mentioned[v.name], v.planned)
		}
	}
	for n := range mentioned {
		if !documented[n] {
			t.Errorf("%s is in the code and not in the table of variables.go", n)
		}
	}
}

// TestKeysAreFound guards the generator itself: it must see what the type has.
func TestKeysAreFound(t *testing.T) {
	all, err := keys(repository)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]key{}
	for _, k := range all {
		found[k.path] = k
	}
	for _, path := range []string{"model.provider", "model.max_retries", "api_server.port", "gateway.drain_timeout"} {
		if found[path].meaning == "" {
			t.Errorf("%s is not found: %+v", path, found)
		}
	}
	for path := range withoutComment {
		if found[path].path == "" {
			t.Errorf("%s is explained and does not exist", path)
		}
	}
}
