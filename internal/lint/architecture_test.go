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

// place is where the drawing of docs/architecture.md has a package.
type place struct {
	row  int
	half string // "left", "right", or "" where the drawing is not divided
}

// drawing reads the picture of the packages. A line names those of one level, apart by spaces. Where a line has a bar in its middle, what
// is left of it and what is right of it are the two halves. What begins with a dash is a heading. Names are below internal/, but for cmd/.
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

// listed is what `go list` says of a package of ours. Paths are those below the module.
type listed struct {
	path    string
	imports []string
}

// packages lists the packages of the program, for each system that it runs on: what one imports on macOS counts as well.
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
				continue // tests only, or nothing on this system
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

// TestTheDrawingOfThePackagesIsTrue: every package is in it, imports lead down, and the two halves do not know each other.
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
			case !drawn: // said above
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

// TestEveryPackageSaysWhatItMayImport: depguard has a list of what is allowed for each package, and none for one that is gone.
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
			continue // about a library, or about tests
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

// covers reports whether a pattern of depguard names a file: ** is any number of directories, * one name. One that begins with ! or $
// takes something away.
func covers(pattern, file string) bool {
	if strings.HasPrefix(pattern, "!") || strings.HasPrefix(pattern, "$") {
		return false
	}
	expression := strings.NewReplacer(`\*\*`, ".*", `\*`, "[^/]*").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile("^" + expression + "$").MatchString(file)
}
