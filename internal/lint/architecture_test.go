package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// place says where a package is in the drawing of docs/architecture.md.
type place struct {
	row  int
	half string // "left", "right", or "" if the row is not divided
}

// drawing reads the picture of the packages. A line has the packages of one level, separated by spaces. A bar in the middle of a
// line separates the left half from the right one. A line that begins with a dash is a heading. Names are relative to internal/,
// except those that begin with cmd/.
func drawing(t *testing.T) map[string]place {
	t.Helper()
	_, section, found := strings.Cut(read(t, "docs/architecture.md"), "\n## Packages\n")
	_, section, fenced := strings.Cut(section, "```\n")
	picture, _, closed := strings.Cut(section, "```\n")
	if !found || !fenced || !closed {
		t.Fatal("docs/architecture.md has no drawing below \"## Packages\"")
	}
	places := map[string]place{}
	for row, line := range strings.Split(picture, "\n") {
		halves := map[string]string{"": line}
		if left, right, divided := strings.Cut(line, "│"); divided {
			halves = map[string]string{"left": left, "right": right}
		}
		for half, names := range halves {
			if strings.HasPrefix(strings.TrimSpace(names), "─") {
				continue // a heading
			}
			for _, name := range strings.Fields(names) {
				if !strings.HasPrefix(name, "cmd/") {
					name = "internal/" + name
				}
				if _, twice := places[name]; twice {
					t.Errorf("docs/architecture.md draws %s twice", name)
				}
				places[name] = place{row, half}
			}
		}
	}
	return places
}

// listed is what `go list` prints about a package of ours. Paths are relative to the module.
type listed struct {
	path    string
	imports []string
}

// packages lists the packages of the program for each system on which it runs, because an import on macOS only counts too.
func packages(t *testing.T) []listed {
	t.Helper()
	all := map[string][]string{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,GoFiles", "./cmd/...", "./internal/...")
		cmd.Dir = "../.."
		cmd.Env = append(cmd.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list for %s: %v", system, err)
		}
		for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
			var p struct {
				ImportPath string
				Imports    []string
				GoFiles    []string
			}
			if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if len(p.GoFiles) == 0 {
				continue // it has only tests, or nothing for this system
			}
			name := strings.TrimPrefix(p.ImportPath, "hermes/")
			all[name] = append(all[name], nil...)
			for _, i := range p.Imports {
				if of, ours := strings.CutPrefix(i, "hermes/"); ours && !slices.Contains(all[name], of) {
					all[name] = append(all[name], of)
				}
			}
		}
	}
	var list []listed
	for name, imports := range all {
		slices.Sort(imports)
		list = append(list, listed{name, imports})
	}
	slices.SortFunc(list, func(a, b listed) int { return strings.Compare(a.path, b.path) })
	return list
}

// TestTheDrawingOfThePackagesIsTrue: every package is in the drawing, imports lead down, and neither half imports the other.
func TestTheDrawingOfThePackagesIsTrue(t *testing.T) {
	t.Parallel()
	places := drawing(t)
	seen := map[string]bool{}
	for _, p := range packages(t) {
		seen[p.path] = true
		from, drawn := places[p.path]
		if !drawn {
			t.Errorf("docs/architecture.md does not draw %s", p.path)
			continue
		}
		for _, i := range p.imports {
			to, drawn := places[i]
			switch {
			case !drawn: // reported above
			case to.row <= from.row:
				t.Errorf("%s imports %s, which is drawn beside or above it", p.path, i)
			case from.half != to.half && from.half != "" && to.half != "":
				t.Errorf("%s imports %s, which belongs to the other half", p.path, i)
			}
		}
	}
	for name := range places {
		if !seen[name] {
			t.Errorf("docs/architecture.md draws %s, which is no package", name)
		}
	}
}

// TestEveryPackageSaysWhatItMayImport: depguard has a list of allowed imports for each package, and no list for a package that does
// not exist.
func TestEveryPackageSaysWhatItMayImport(t *testing.T) {
	t.Parallel()
	var config struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]struct {
						ListMode string `yaml:"list-mode"`
						Files    []string
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, ".golangci.yml")), &config); err != nil {
		t.Fatal(err)
	}
	all := packages(t)
	ruled := map[string]bool{}
	for name, rule := range config.Linters.Settings.Depguard.Rules {
		if rule.ListMode != "strict" {
			continue // a rule about a library or about tests
		}
		found := false
		for _, pattern := range rule.Files {
			for _, p := range all {
				if covers(pattern, "/hermes/"+p.path+"/x.go") {
					found, ruled[p.path] = true, true
				}
			}
		}
		if !found {
			t.Errorf("the rule %s of depguard is about no package that there is: %q", name, rule.Files)
		}
	}
	for _, p := range all {
		if !ruled[p.path] {
			t.Errorf(".golangci.yml does not say what %s may import", p.path)
		}
	}
}

// covers reports whether a pattern of depguard matches a file: ** matches any number of directories, * one name. A pattern that
// begins with ! or $ excludes files.
func covers(pattern, file string) bool {
	if strings.HasPrefix(pattern, "!") || strings.HasPrefix(pattern, "$") {
		return false
	}
	expression := strings.NewReplacer(`\*\*`, ".*", `\*`, "[^/]*").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile("^" + expression + "$").MatchString(file)
}
