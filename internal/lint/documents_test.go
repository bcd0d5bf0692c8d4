package lint

import (
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// TestEveryDependencyIsArguedFor compares docs/dependencies.md with go.mod: every direct requirement has a line, and every line has
// a requirement.
func TestEveryDependencyIsArguedFor(t *testing.T) {
	document := read(t, "docs/dependencies.md")
	argued := map[string]bool{}
	for _, match := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(document, -1) {
		argued[match[1]] = true
	}
	required := map[string]bool{}
	for _, r := range requirements(t) {
		required[r.Path] = true
		if !r.Indirect && !argued[r.Path] {
			t.Errorf("docs/dependencies.md has no line for %s, which go.mod requires", r.Path)
		}
	}
	for path := range argued {
		if !required[path] {
			t.Errorf("docs/dependencies.md argues for %s, which go.mod does not require", path)
		}
	}
}

type requirement struct {
	Path     string
	Indirect bool
}

func requirements(t *testing.T) []requirement {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json")
	command.Dir = root
	out, err := command.Output()
	if err != nil {
		t.Fatalf("cannot read go.mod: %v", err)
	}
	var module struct{ Require []requirement }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatalf("cannot read go.mod: %v", err)
	}
	if len(module.Require) == 0 {
		t.Fatal("go.mod requires nothing, which cannot be")
	}
	return module.Require
}

// TestLinksLeadSomewhere checks every relative link of every document.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	found := 0
	for _, file := range documents(t) {
		for _, match := range link.FindAllStringSubmatch(read(t, file), -1) {
			target, err := url.Parse(match[1])
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if target.Scheme != "" || target.Host != "" {
				continue
			}
			found++
			place := file
			if target.Path != "" {
				place = filepath.Join(filepath.Dir(file), target.Path)
			}
			if _, err := os.Stat(filepath.Join(root, place)); err != nil {
				t.Errorf("%s links to %s, which does not exist", file, match[1])
				continue
			}
			if target.Fragment != "" && !anchors(read(t, place))[target.Fragment] {
				t.Errorf("%s links to %s, but %s has no such heading", file, match[1], place)
			}
		}
	}
	if found == 0 {
		t.Error("no relative link found in any document: the check is broken")
	}
}

// anchors returns the fragments that a Markdown renderer makes from the headings.
func anchors(document string) map[string]bool {
	names := map[string]bool{}
	dropped := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, match := range regexp.MustCompile(`(?m)^#{1,6} +(.+)$`).FindAllStringSubmatch(document, -1) {
		name := dropped.ReplaceAllString(strings.ToLower(strings.TrimSpace(match[1])), "")
		names[strings.ReplaceAll(name, " ", "-")] = true
	}
	return names
}

// documents lists the repository's Markdown files, without those in generated directories.
func documents(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "bin") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, ".md") {
			relative, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			files = append(files, relative)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTheDocumentsSayThatAGatewayIsSupervised: people who copy the docker command can read there that the gateway runs supervised,
// and how to prevent that.
func TestTheDocumentsSayThatAGatewayIsSupervised(t *testing.T) {
	for _, name := range []string{"README.md", "docs/docker.md"} {
		text := read(t, name)
		for _, words := range []string{"> **Gateway runs supervised.**", "--no-supervise", "HERMES_GATEWAY_NO_SUPERVISE", "exit code"} {
			if !strings.Contains(text, words) {
				t.Errorf("%s does not say %q", name, words)
			}
		}
	}
}
