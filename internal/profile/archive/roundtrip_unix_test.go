//go:build unix

package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"hermes/internal/profile"
	"hermes/internal/profile/contents"
	"hermes/internal/profile/profiletest"
	"hermes/internal/profile/provision"
)

// awkward are names that file systems accept and other programs may not.
var awkward = []string{
	"a", "b", "c", "notes.md", "x.log", "poetry.lock", "old.bak", "key.pem", ".hidden", ".git", "lost+found", "C:evil", `a\b`, `..\up`,
	"2026-11-29T10:00:00.md", "new\nline", "\x1b[2J", "\xff\xfe", "👩‍👩‍👧", "\u202eevil", " before", "after ", "-rf", "CON", "é", "e\u0301", "profiles",
	"logs", "cache", "state.db-old", "hermes.db-old", "gateway.pid", "...", strings.Repeat("n", 255), strings.Repeat("ü", 127),
}

// tree generates the home of a profile.
type tree struct {
	rt   *rapid.T
	root string
	dirs []string // relative, "." first
	all  []string
}

func (tr *tree) name() string {
	odd := rapid.StringOfN(rapid.Rune().Filter(func(r rune) bool { return r != '/' && r != 0 }), 1, 20, 100)
	name := rapid.OneOf(rapid.SampledFrom(awkward), rapid.SampledFrom(awkward), odd).Draw(tr.rt, "name")
	if name == "." || name == ".." {
		return "dots"
	}
	return name
}

// below returns the path of a new file, or "" if it is taken or cannot exist.
func (tr *tree) below(name string) string {
	rel := path.Join(rapid.SampledFrom(tr.dirs).Draw(tr.rt, "dir"), name)
	if _, err := os.Lstat(filepath.Join(tr.root, rel)); !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return rel
}

func (tr *tree) made(rel string, err error) bool {
	if err == nil {
		tr.all = append(tr.all, rel)
	}
	return err == nil
}

func (tr *tree) dir(rel string) {
	if tr.made(rel, os.Mkdir(filepath.Join(tr.root, rel), 0o755)) {
		tr.dirs = append(tr.dirs, rel)
	}
}

// grow adds one file, directory or link.
func (tr *tree) grow() {
	rel := tr.below(tr.name())
	at := filepath.Join(tr.root, rel)
	switch kind := rapid.SampledFrom([]string{"file", "file", "file", "dir", "dir", "dir", "link", "link", "uniform", "deep", "fifo", "locked"}).Draw(tr.rt, "kind"); {
	case rel == "":
	case kind == "file":
		mode := rapid.SampledFrom([]fs.FileMode{0o644, 0o755, 0o600}).Draw(tr.rt, "mode")
		tr.made(rel, os.WriteFile(at, rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(tr.rt, "content"), mode))
	case kind == "uniform":
		tr.made(rel, os.WriteFile(at, make([]byte, rapid.IntRange(0, int(growing.File)+1).Draw(tr.rt, "size")), 0o644))
	case kind == "dir":
		tr.dir(rel)
	case kind == "deep":
		for range rapid.IntRange(1, maxDepth+10).Draw(tr.rt, "depth") {
			tr.dir(rel)
			rel += "/d"
		}
	case kind == "fifo":
		tr.made(rel, syscall.Mkfifo(at, 0o644))
	case kind == "locked" && os.Geteuid() != 0:
		tr.made(rel, os.WriteFile(at, nil, 0))
	case kind == "link":
		target := rapid.SampledFrom([]string{"/etc/passwd", "gone", "..", ".", "../..", "SOUL.md", path.Base(rel)}).Draw(tr.rt, "target")
		if len(tr.all) > 0 && rapid.Bool().Draw(tr.rt, "inside") {
			target, _ = filepath.Rel(path.Dir(rel), rapid.SampledFrom(tr.all).Draw(tr.rt, "to"))
		}
		tr.made(rel, os.Symlink(target, at))
	}
}

// growing are limits that a generated tree reaches now and then.
var growing = Limits{Entries: 300, File: 200 << 10, Total: 600 << 10, Ratio: 20, RatioFrom: 40 << 10}

// snapshotOf describes everything in a home, by path.
func snapshotOf(t *rapid.T, dir string) map[string]string {
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, at)
		info, err := d.Info()
		if err != nil {
			return err
		}
		what := info.Mode().String()
		switch {
		case rel == ".", info.Mode().IsRegular() && info.Mode().Perm() == 0:
			return nil
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(at)
			if err != nil {
				return err
			}
			what = "link to " + target
		case info.Mode().IsRegular():
			data, err := os.ReadFile(at)
			if err != nil {
				return err
			}
			what += fmt.Sprintf(" %d %q", len(data), bytes.TrimRight(data, "\x00"))
		}
		all[rel] = what
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// without returns a snapshot without what the copy left out and what belongs to the volume.
func without(t *rapid.T, before map[string]string, leftOut []contents.LeftOut) map[string]string {
	left := map[string]bool{}
	for _, l := range leftOut {
		if l.Why == "" {
			t.Errorf("%q is left out without a reason", l.Name)
		}
		left[l.Name] = true
	}
	want := map[string]string{}
	for rel, what := range before {
		out := contents.Of(rel) == contents.Local
		for at := rel; at != "."; at = path.Dir(at) {
			out = out || left[at]
		}
		if !out {
			want[rel] = what
		}
	}
	return want
}

func same(t *rapid.T, want, got map[string]string) {
	for rel, what := range want {
		if got[rel] != what {
			t.Errorf("%q was %.100s and is %.100s", rel, what, got[rel])
		}
	}
	for rel, what := range got {
		if want[rel] == "" {
			t.Errorf("%q is new: %.100s", rel, what)
		}
	}
}

// TestWhatIsExportedCanBeImportedAndIsTheSame, for any home: the copy has every file except those that Export named as left out and
// those that belong to the volume.
func TestWhatIsExportedCanBeImportedAndIsTheSame(t *testing.T) {
	t.Parallel() // the test waits for the disk
	exported := 0
	rapid.Check(t, func(rt *rapid.T) {
		top, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(top)
		s, elsewhere := profile.NewStore(filepath.Join(top, "s")), profile.NewStore(filepath.Join(top, "e"))
		h := mustCreate(t, s, "coder", nil).Home
		tr := &tree{rt: rt, root: h.Dir, dirs: []string{"."}}
		for range rapid.IntRange(1, 25).Draw(rt, "things") {
			tr.grow()
		}
		before := snapshotOf(rt, h.Dir)

		var archive bytes.Buffer
		e, err := Export(t.Context(), h, &archive, ExportOptions{Secrets: true, Limits: growing})
		if err != nil {
			var refused *Error
			if errors.As(err, &refused) || !strings.Contains(err.Error(), "could not be imported") {
				rt.Fatal(err) // nothing in a generated home causes an error of another kind
			}
			return
		}
		exported++
		m, err := Import(t.Context(), elsewhere, &archive, ImportOptions{Limits: growing, Getenv: profiletest.Getenv()})
		if err != nil {
			rt.Fatalf("exported, and not imported: %v", err)
		}
		want := without(rt, before, e.LeftOut)
		same(rt, want, snapshotOf(rt, m.Home.Dir))
	})
	if exported == 0 {
		t.Error("nothing was exported")
	}
}

// TestAnyHomeCanBeCloned: the copy has every file except those that the clone named as left out, the keys, and what belongs to the
// volume.
func TestAnyHomeCanBeCloned(t *testing.T) {
	t.Parallel() // the test waits for the disk
	rapid.Check(t, func(rt *rapid.T) {
		top, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(top)
		s := profile.NewStore(top)
		h := mustCreate(t, s, "coder", nil).Home
		tr := &tree{rt: rt, root: h.Dir, dirs: []string{"."}}
		for range rapid.IntRange(1, 15).Draw(rt, "things") {
			tr.grow()
		}
		before := snapshotOf(rt, h.Dir)
		m, err := provision.Create(t.Context(), s, profiletest.Name(t, "twin"), &h, profiletest.Getenv())
		if err != nil {
			rt.Fatal(err)
		}
		want := without(rt, before, m.LeftOut)
		for rel := range want {
			if p := contents.Of(rel); p == contents.Database || rel == profile.EnvName {
				delete(want, rel)
			}
		}
		got := snapshotOf(rt, m.Home.Dir)
		delete(got, profile.EnvName) // the clone has an .env of its own
		same(rt, want, got)
	})
}

// TestAHomeOfUniformFilesComesBack: without padding, its archive would unpack to thousands of times its size.
func TestAHomeOfUniformFilesComesBack(t *testing.T) {
	s, elsewhere := profile.NewStore(t.TempDir()), profile.NewStore(t.TempDir())
	h := mustCreate(t, s, "coder", nil).Home
	noise := make([]byte, 100<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // ChaCha8.Read never fails
	profiletest.Put(t, filepath.Join(h.Dir, "a-zeros"), strings.Repeat("\x00", 800<<10))
	profiletest.Put(t, filepath.Join(h.Dir, "b-noise"), string(noise))
	profiletest.Put(t, filepath.Join(h.Dir, "c-lines"), strings.Repeat("the same line, again and again\n", 30<<10))
	profiletest.Put(t, filepath.Join(h.Dir, "d-zeros"), strings.Repeat("\x00", 800<<10))
	limits := Limits{Entries: 50, File: 1 << 20, Total: 4 << 20, Ratio: 10, RatioFrom: 100 << 10}
	var archive bytes.Buffer
	if _, err := Export(t.Context(), h, &archive, ExportOptions{Limits: limits}); err != nil {
		t.Fatal(err)
	}
	if archive.Len() > 2<<20 {
		t.Errorf("the archive has %d bytes", archive.Len())
	}
	m, err := Import(t.Context(), elsewhere, &archive, ImportOptions{Limits: limits, Getenv: profiletest.Getenv()})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a-zeros", "b-noise", "c-lines", "d-zeros"} {
		if profiletest.Read(t, filepath.Join(m.Home.Dir, name)) != profiletest.Read(t, filepath.Join(h.Dir, name)) {
			t.Errorf("%s is another", name)
		}
	}
}

// TestNoExportSaysThatItIsGoodWhenNoImportWouldTakeIt: Export fails if it would have to leave out an essential file, or if the whole
// is too large.
func TestNoExportSaysThatItIsGoodWhenNoImportWouldTakeIt(t *testing.T) {
	for what, c := range map[string]struct {
		spoil func(t *testing.T, h profile.Home)
		says  string
	}{
		"a configuration with anchors": {func(t *testing.T, h profile.Home) { profiletest.Put(t, h.Config(), "model: &a\n  name: x\n") }, "config.yaml:1: model: anchors"},
		"two documents":                {func(t *testing.T, h profile.Home) { profiletest.Put(t, h.Config(), "model:\n---\nmodel:\n") }, "config.yaml:2: a second document"},
		"a configuration that is a link": {func(t *testing.T, h profile.Home) {
			profiletest.Put(t, filepath.Join(h.Dir, "real.yaml"), "")
			if err := os.Symlink("real.yaml", h.Config()); err != nil {
				t.Fatal(err)
			}
		}, "config.yaml\" is not a file"},
		"too much in all":      {func(t *testing.T, h profile.Home) { fill(t, h, 5, 1<<20) }, "it unpacks to more than 4194304 bytes"},
		"too many things":      {func(t *testing.T, h profile.Home) { fill(t, h, 60, 0) }, "it has more than 50 entries"},
		"too large a database": {func(t *testing.T, h profile.Home) { profiletest.Put(t, h.Database(), strings.Repeat("d", 1<<20+1)) }, profile.DatabaseName + ": it is larger than 1048576 bytes"},
	} {
		t.Run(what, func(t *testing.T) {
			s := profile.NewStore(t.TempDir())
			h := mustCreate(t, s, "coder", nil).Home
			c.spoil(t, h)
			var archive bytes.Buffer
			_, err := Export(t.Context(), h, &archive, exportOptions(true))
			if err == nil || !strings.Contains(err.Error(), "cannot export profile 'coder': ") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want %q: %v", c.says, err)
			}
		})
	}
}

func fill(t *testing.T, h profile.Home, n, size int) {
	for i := range n {
		profiletest.Put(t, filepath.Join(h.Dir, fmt.Sprintf("f%d", i)), strings.Repeat("f", size))
	}
}

// TestALinkToWhatStaysHereStaysHere: in the copy such a link would lead nowhere, and no import accepts that.
func TestALinkToWhatStaysHereStaysHere(t *testing.T) {
	s, elsewhere := profile.NewStore(t.TempDir()), profile.NewStore(t.TempDir())
	h := mustCreate(t, s, "coder", nil).Home
	profiletest.Put(t, filepath.Join(h.Dir, "key.pem"), "PEM")
	profiletest.Put(t, filepath.Join(h.Dir, "logs", "x"), "log")
	profiletest.Put(t, filepath.Join(h.Dir, "skills", "a"), "do")
	for rel, target := range map[string]string{"to-key": "key.pem", "to-link": "to-key", "to-logs": "logs", "good": "skills/a", "twice": "good", "skills/up": "../skills"} {
		if err := os.Symlink(target, filepath.Join(h.Dir, rel)); err != nil {
			t.Fatal(err)
		}
	}
	data, e := exportBytes(t, h, false)
	left := map[string]bool{}
	for _, l := range e.LeftOut {
		left[l.Name] = true
	}
	for rel, want := range map[string]bool{"to-key": true, "to-link": true, "to-logs": true, "good": false, "twice": false, "skills/up": false} {
		if left[rel] != want {
			t.Errorf("%s is left out: %v", rel, left[rel])
		}
	}
	m, err := importBytes(t, elsewhere, data, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := profiletest.Read(t, filepath.Join(m.Home.Dir, "twice")); got != "do" {
		t.Error(got)
	}
}
