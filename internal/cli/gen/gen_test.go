package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
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
	name := regexp.MustCompile(`\b(?:HERMES_[A-Z0-9]|API_SERVER_[A-Z]|PUID\b|PGID\b|UMASK\b)[A-Z0-9_]*`)
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
				if !strings.HasSuffix(n, "_") { // a name that ends with _ is a prefix in a comment
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

// TestKeysAreFound checks the generator itself: it must find every key that the type has.
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

// TestMessagesInOperationsAreOurs looks for each message of the troubleshooting tables in the code.
func TestMessagesInOperationsAreOurs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, messages, _ := strings.Cut(string(text), "\n## Messages\n")
	// These messages come from the system or from a library.
	foreign := []string{"permission denied", "no space left on device", "read-only file system", "too many open files", "unknown flag: "}
	code := literals(t)
	quoted := regexp.MustCompile("`[^`]+`")
	checked := 0
	for _, row := range strings.Split(messages, "\n") {
		cells := strings.Split(row, " | ")
		if !strings.HasPrefix(row, "| ") || len(cells) < 2 {
			continue
		}
		column := cells[0]
		if regexp.MustCompile(`^\| \d`).MatchString(row) {
			column = cells[1] // the tables of HTTP answers have a status code in the first column
		}
		for _, message := range quoted.FindAllString(column, -1) {
			for _, part := range regexp.MustCompile("…|: ").Split(strings.Trim(message, "`"), -1) {
				part = strings.Trim(part, " :;,'()=-")
				ours := len(part) < 4 || strings.Contains(code, part)
				for _, f := range foreign {
					ours = ours || strings.Contains(f, part)
				}
				if checked++; !ours {
					t.Errorf("operations.md explains %s, but %q is nowhere in the code", message, part)
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d parts of messages found: the check is broken", checked)
	}
}

// literals returns the text of all string constants of the code. Constants that are joined with + are put together.
func literals(t *testing.T) string {
	var b strings.Builder
	err := filepath.WalkDir(filepath.Join(repository, "internal"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch e := n.(type) {
			case *ast.BinaryExpr:
				b.WriteString(joined(e) + "\n")
			case *ast.BasicLit:
				b.WriteString(joined(e) + "\n")
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func joined(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return joined(e.X) + joined(e.Y)
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return s
		}
	}
	return ""
}
