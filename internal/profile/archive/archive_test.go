package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/contents"
	"hermes/internal/profile/env"
	"hermes/internal/profile/ports"
	"hermes/internal/profile/profiletest"
	"hermes/internal/profile/provision"
)

// item is one entry of an archive that a test writes.
type item struct {
	kind       byte
	name, body string
	link       string
	mode       int64
	pax        map[string]string
}

func file(name, body string) item { return item{kind: tar.TypeReg, name: name, body: body} }
func dir(name string) item        { return item{kind: tar.TypeDir, name: name} }

func makeTar(t testing.TB, items ...item) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, i := range items {
		hdr := &tar.Header{Typeflag: i.kind, Name: i.name, Linkname: i.link, Mode: i.mode, Size: int64(len(i.body)), PAXRecords: i.pax}
		if i.kind == tar.TypeXGlobalHeader {
			hdr = &tar.Header{Typeflag: i.kind, PAXRecords: i.pax}
		} else if hdr.Mode == 0 {
			hdr.Mode = 0o644
		}
		if err := w.WriteHeader(hdr); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, i.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func compress(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(data, nil)
}

// small are limits that a test can reach.
var small = Limits{Entries: 50, File: 1 << 20, Total: 4 << 20, Ratio: 100, RatioFrom: 1 << 20}

func importBytes(t testing.TB, s *profile.Store, data []byte, as string) (provision.Made, error) {
	o := ImportOptions{Limits: small, Getenv: profiletest.Getenv()}
	if as != "" {
		o.As = profiletest.Name(t, as)
	}
	return Import(t.Context(), s, bytes.NewReader(data), o)
}

func exportBytes(t testing.TB, h profile.Home, secrets bool) ([]byte, Exported) {
	t.Helper()
	var buf bytes.Buffer
	e, err := Export(t.Context(), h, &buf, exportOptions(secrets))
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), e
}

func exportOptions(secrets bool) ExportOptions {
	return ExportOptions{Secrets: secrets, Limits: small, Snapshot: func(_ context.Context, from, to string) error {
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		return os.WriteFile(to, append([]byte("snapshot of "), data...), 0o600)
	}}
}

func mustCreate(t testing.TB, s *profile.Store, label string, from *profile.Home) provision.Made {
	t.Helper()
	m, err := provision.Create(t.Context(), s, profiletest.Name(t, label), from, profiletest.Getenv())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// furnished makes a profile that has files of every kind.
func furnished(t testing.TB, s *profile.Store) profile.Home {
	h := mustCreate(t, s, "coder", nil).Home
	for rel, content := range map[string]string{
		"SOUL.md": "I am", "config.yaml": "model:\n  provider: echo\n", "skills/a/SKILL.md": "do", "hermes.db": "db", "hermes.db-wal": "w",
		"gateway_state.json": "{}", "gateway.pid": "1", "key.pem": "PEM", "x.log": "l", "old.tar.zst": "z",
	} {
		profiletest.Put(t, filepath.Join(h.Dir, rel), content)
	}
	profiletest.Put(t, h.Env(), "# SECRET was here\nAPI_SERVER_KEY=SECRET\nOPENAI_API_KEY=SECRET\nAPI_SERVER_PORT=9300\n")
	if err := os.Symlink("a", filepath.Join(h.Dir, "skills", "b")); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(h.Dir, "out")); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAProfileSurvivesExportAndImportWithoutItsSecrets(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	h := furnished(t, s)
	data, e := exportBytes(t, h, false)
	plain, err := io.ReadAll(mustDecompress(t, data))
	if err != nil || bytes.Contains(plain, []byte("SECRET")) || bytes.Contains(plain, []byte("PEM")) {
		t.Error("a secret got out", err)
	}
	if !slices.Equal(e.LeftOut, []contents.LeftOut{{Name: "key.pem", Why: contents.WhySecret}, {Name: "old.tar.zst", Why: contents.WhyLocal}, {Name: "out", Why: contents.WhyLink}, {Name: "x.log", Why: contents.WhyLocal}}) {
		t.Error(e.LeftOut)
	}
	m, err := importBytes(t, s, data, "twin")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".env", "SOUL.md", "config.yaml", "hermes.db", "skills/a/SKILL.md", "skills/b"}
	if got := profiletest.Files(t, m.Home.Dir); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := profiletest.Read(t, m.Home.Database()); got != "snapshot of db" {
		t.Error(got)
	}
	env2, err := env.Load(m.Home)
	if v, named := env2["OPENAI_API_KEY"]; err != nil || !named || v != "" || !strings.HasPrefix(env2["API_SERVER_KEY"], "hk-") {
		t.Error(env2, err)
	}
	if m.Port != ports.Derived(m.Home.Name) {
		t.Error(m.Port)
	}
	if got := profiletest.Entries(t, s); !slices.Equal(got, []string{"coder", "twin"}) {
		t.Error(got)
	}
}

func TestWithSecretsEverythingComesAlongButNoTakenPort(t *testing.T) {
	s, elsewhere := profile.NewStore(t.TempDir()), profile.NewStore(t.TempDir())
	h := furnished(t, s)
	data, _ := exportBytes(t, h, true)
	for _, c := range []struct {
		store *profile.Store
		port  int
	}{{elsewhere, 9300}, {s, ports.Derived(profiletest.Name(t, "twin"))}} { // in s, coder has port 9300
		m, err := importBytes(t, c.store, data, "twin")
		if err != nil {
			t.Fatal(err)
		}
		got, err := env.Load(m.Home)
		if err != nil || got["API_SERVER_KEY"] != "SECRET" || got["OPENAI_API_KEY"] != "SECRET" || got["API_SERVER_PORT"] != fmt.Sprint(c.port) || m.Port != c.port {
			t.Error(got, m.Port, err)
		}
		if !strings.HasPrefix(profiletest.Read(t, m.Home.Env()), "# SECRET was here\n") {
			t.Error("comments")
		}
		if info, err := os.Stat(filepath.Join(m.Home.Dir, "key.pem")); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info, err)
		}
	}
}

func mustDecompress(t testing.TB, data []byte) io.Reader {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(z.Close)
	return z
}

func TestAnExistingProfileIsNeverOverwritten(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	h := furnished(t, s)
	data, _ := exportBytes(t, h, true)
	profiletest.Put(t, h.Soul(), "newer")
	for _, as := range []string{"", "coder", "default"} {
		var exists *profile.ExistsError
		if _, err := importBytes(t, s, data, as); !errors.As(err, &exists) {
			t.Errorf("%q: %v", as, err)
		}
	}
	if profiletest.Read(t, h.Soul()) != "newer" || !slices.Equal(profiletest.Entries(t, s), []string{"coder"}) {
		t.Error(profiletest.Entries(t, s))
	}
}

func TestTheRootProfilesArchiveNeedsAName(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	d, err := provision.Seed(t.Context(), s, profile.Default())
	if err != nil {
		t.Fatal(err)
	}
	mustCreate(t, s, "coder", nil)
	data, _ := exportBytes(t, d, true)
	if _, err := importBytes(t, s, data, ""); err == nil || !strings.Contains(err.Error(), "--as NAME") {
		t.Error(err)
	}
	m, err := importBytes(t, s, data, "twin")
	if err != nil {
		t.Fatal(err)
	}
	if got := profiletest.Files(t, m.Home.Dir); !slices.Equal(got, []string{".env", "SOUL.md"}) {
		t.Error(got)
	}
}

type hostile struct {
	what, says string
	items      []item
}

// hostiles returns archives that try to do damage. They are the fuzzer's seeds too.
func hostiles() []hostile {
	soul := file("x/SOUL.md", "s")
	zeros := strings.Repeat("\x00", 1<<20)
	many := []item{soul}
	for i := range 60 {
		many = append(many, file(fmt.Sprintf("x/f%d", i), ""))
	}
	return []hostile{
		{"leave by ..", "leads out", []item{soul, file("x/../../evil", "e")}},
		{"leave at once", "leads out", []item{file("../evil", "e")}},
		{"name an absolute path", "absolute", []item{soul, file("/tmp/evil", "e")}},
		{"hide in control characters", "unprintable", []item{soul, file("x/a\x1b[2Jb", "e")}},
		{"have a second directory", "is not in the directory", []item{soul, file("y/SOUL.md", "e")}},
		{"put a file beside the directory", "beside", []item{file("x", "e")}},
		{"have no directory", "no name", []item{dir("./"), file("./SOUL.md", "s")}},
		{"link out", "leads out", []item{soul, {kind: tar.TypeSymlink, name: "x/l", link: "../../evil"}}},
		{"link to an absolute path", "leads out", []item{soul, {kind: tar.TypeSymlink, name: "x/l", link: "/etc/passwd"}}},
		{"link out where it is dropped", "leads out", []item{soul, {kind: tar.TypeSymlink, name: "x/logs", link: "/etc"}}},
		{"link nowhere", "nowhere", []item{soul, {kind: tar.TypeSymlink, name: "x/l", link: "gone"}}},
		{"link in a circle", "nowhere", []item{soul, {kind: tar.TypeSymlink, name: "x/l", link: "l"}}},
		{"leave through two links", "leads out", []item{soul, dir("x/a"), dir("x/a/b"),
			{kind: tar.TypeSymlink, name: "x/a/b/c", link: "../.."}, {kind: tar.TypeSymlink, name: "x/l", link: "a/b/c/../.."}}},
		{"write through a link", "collides", []item{soul, {kind: tar.TypeSymlink, name: "x/l", link: "."}, file("x/l/y", "e")}},
		{"hard-link out", "leads out", []item{soul, {kind: tar.TypeLink, name: "x/l", link: "../../etc/passwd"}}},
		{"hard-link to an absolute path", "leads out", []item{soul, {kind: tar.TypeLink, name: "x/l", link: "/etc/passwd"}}},
		{"hard-link to another directory", "leads out", []item{soul, {kind: tar.TypeLink, name: "x/l", link: "y/z"}}},
		{"hard-link to nothing", "no file before it", []item{soul, {kind: tar.TypeLink, name: "x/l", link: "x/later"}}},
		{"hold a character device", "neither", []item{soul, {kind: tar.TypeChar, name: "x/d"}}},
		{"hold a block device", "neither", []item{soul, {kind: tar.TypeBlock, name: "x/d"}}},
		{"hold a FIFO", "neither", []item{soul, {kind: tar.TypeFifo, name: "x/f"}}},
		{"hold a FIFO where it is dropped", "neither", []item{soul, {kind: tar.TypeFifo, name: "x/gateway.pid"}}},
		{"hold the same file twice", "twice", []item{soul, file("x/a", "1"), file("x/./a", "2")}},
		{"hold the same directory twice", "twice", []item{soul, dir("x/a"), dir("x/a/")}},
		{"hold a file and a directory of one name", "twice", []item{soul, file("x/a", "1"), dir("x/a/")}},
		{"put a file into a file", "collides", []item{soul, file("x/a", "1"), file("x/a/b", "2")}},
		{"have no SOUL.md", "no SOUL.md", []item{file("x/a", "1")}},
		{"have a directory for SOUL.md", "is not a file", []item{dir("x/SOUL.md")}},
		{"have a link for SOUL.md", "is not a file", []item{file("x/a", "1"), {kind: tar.TypeSymlink, name: "x/SOUL.md", link: "a"}}},
		{"have a link for hermes.db", "is not a file", []item{soul, {kind: tar.TypeSymlink, name: "x/hermes.db", link: "SOUL.md"}}},
		{"be empty", "empty", nil},
		{"have a bad name", "--as NAME", []item{file("Bad Name/SOUL.md", "s")}},
		{"have too many entries", "more than 50 entries", many},
		{"hold too large a file", "larger than", []item{soul, file("x/a", zeros+"0")}},
		{"be too deep", "too deep", []item{soul, file("x/"+strings.Repeat("a/", maxDepth)+"b", "1")}},
		{"have too long a name", "too long", []item{soul, file("x/"+strings.Repeat("a", 2000), "1")}},
		{"be a bomb", "times its size", []item{soul, file("x/a", zeros), file("x/b", zeros), file("x/c", zeros)}},
		{"be a bomb of hard links", "times its size", []item{soul, file("x/a", zeros[:1<<19]),
			{kind: tar.TypeLink, name: "x/b", link: "x/a"}, {kind: tar.TypeLink, name: "x/c", link: "x/a"}, {kind: tar.TypeLink, name: "x/d", link: "x/a"}}},
	}
}

func TestWhatAnArchiveMayNotDo(t *testing.T) {
	for _, c := range hostiles() {
		t.Run(c.what, func(t *testing.T) {
			top := t.TempDir()
			s := profile.NewStore(filepath.Join(top, "a", "b", "root"))
			_, err := importBytes(t, s, compress(t, makeTar(t, c.items...)), "")
			var refused *Error
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want %q: %v", c.says, err)
			}
			if got := profiletest.Files(t, top); len(got) != 0 {
				t.Errorf("left behind: %q", got)
			}
		})
	}
}

// TestANameIsJudgedByTheSystemThatGetsIt: only Windows takes \ and : for parts of a path; elsewhere they are plain characters.
func TestANameIsJudgedByTheSystemThatGetsIt(t *testing.T) {
	for name, want := range map[string]string{
		`x/..\..\evil`: "takes for a path", "x/C:evil": "takes for a path", `\x`: "an absolute name", "x/a:stream": "takes for a path",
		"x/notes.md": "", "x/CON": "",
	} {
		if got := nameFault(name, "windows"); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q on Windows: %q", name, got)
		}
		if got := nameFault(name, "linux"); got != "" {
			t.Errorf("%q on Linux: %q", name, got)
		}
	}
	for name, want := range map[string]string{
		"/x": "an absolute name", "x/../y": "leads out", "x/\x1b[2J": "unprintable", "x/\xff": "unprintable", "x/\u202e": "unprintable",
		"x/👩‍👩‍👧": "", "x/\u00a0": "", "x/...": "", strings.Repeat("x", maxPath+1): "too long",
	} {
		if got := nameFault(name, "linux"); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q", name, got)
		}
	}
}

func TestBrokenArchivesAreCalledSo(t *testing.T) {
	good := compress(t, makeTar(t, file("x/SOUL.md", strings.Repeat("abc", 5000)+fmt.Sprint(os.Getpid()))))
	flipped := bytes.Clone(good)
	flipped[len(flipped)-2] ^= 0xff // the archive's checksum
	wide, err := zstd.NewWriter(nil, zstd.WithWindowSize(64<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer wide.Close()
	var long bytes.Buffer
	wide.Reset(&long)
	if _, err := wide.Write(bytes.Repeat([]byte("0123456789"), 8<<20)); err != nil {
		t.Fatal(err)
	}
	if err := wide.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what, says string
		data       []byte
	}{
		{"nothing", "empty", nil},
		{"a text", "not what `hermes profile export` writes", []byte("hello, this is no archive")},
		{"half", "cut off", good[:len(good)/2]},
		{"a wrong checksum", "broken", flipped},
		{"no tar", "", compress(t, bytes.Repeat([]byte("hello"), 1000))},
		{"a window that takes much memory", "MB of memory", long.Bytes()},
	} {
		s := profile.NewStore(t.TempDir())
		_, err := importBytes(t, s, c.data, "")
		var refused *Error
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.what, err)
		}
		if got := profiletest.Files(t, s.Root()); len(got) != 0 {
			t.Errorf("%s: left behind %q", c.what, got)
		}
	}
}

func TestAnArchiveMadeByHandIsTidied(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	m, err := importBytes(t, s, compress(t, makeTar(t,
		item{kind: tar.TypeXGlobalHeader, pax: map[string]string{"comment": "c"}},
		file("./x/skills/run.sh", "#!"), dir("./x/skills/"), dir("./x"),
		item{kind: tar.TypeReg, name: "x/SOUL.md", body: "s", mode: 0o6777},
		item{kind: tar.TypeReg, name: "x/.env", body: "A=1\n", mode: 0o666},
		item{kind: tar.TypeReg, name: "x/tool", body: "t", mode: 0o4755},
		item{kind: tar.TypeLink, name: "x/tool2", link: "./x/tool"},
		file("x/gateway.pid", "1"), file("x/gateway_state.json", "{}"), file("x/.gateway_state.lock", ""), file("x/profiles/y/SOUL.md", "s"),
		file("x/logs/a", "1"), item{kind: tar.TypeLink, name: "x/pid2", link: "x/gateway.pid"},
	)), "")
	if err != nil {
		t.Fatal(err)
	}
	if got := profiletest.Files(t, m.Home.Dir); !slices.Equal(got, []string{".env", "SOUL.md", "skills/run.sh", "tool", "tool2"}) {
		t.Error(got)
	}
	for rel, mode := range map[string]fs.FileMode{"SOUL.md": 0o755, ".env": 0o600, "tool": 0o755, "tool2": 0o755, "skills": fs.ModeDir | 0o744} {
		if info, err := os.Lstat(filepath.Join(m.Home.Dir, rel)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v; want %v", rel, info.Mode(), err, mode)
		}
	}
	if !slices.Contains(m.LeftOut, contents.LeftOut{Name: "gateway.pid", Why: contents.WhyDropped}) || !slices.Contains(m.LeftOut, contents.LeftOut{Name: "pid2", Why: contents.WhyDropped}) {
		t.Error(m.LeftOut)
	}
	if e, err := env.Load(m.Home); err != nil || e["A"] != "1" || e["API_SERVER_KEY"] == "" {
		t.Error(e, err)
	}
}

func TestAnInterruptedImportLeavesNothing(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	data := compress(t, makeTar(t, file("x/SOUL.md", "s"), file("x/a", strings.Repeat("a", 1<<18))))
	_, err := Import(ctx, s, bytes.NewReader(data), ImportOptions{Limits: small, Getenv: profiletest.Getenv(), Progress: func(int, int64) { cancel() }})
	if !errors.Is(err, context.Canceled) || len(profiletest.Entries(t, s)) != 0 {
		t.Error(err, profiletest.Entries(t, s))
	}
}

// fuzzedImport checks what must be true after every import.
func fuzzedImport(t *testing.T, data []byte) {
	top := t.TempDir()
	s := profile.NewStore(filepath.Join(top, "a", "root"))
	m, err := importBytes(t, s, data, "new")
	if err != nil {
		if got := profiletest.Files(t, top); len(got) != 0 {
			t.Errorf("left behind %q after %v", got, err)
		}
		return
	}
	inside, err := os.OpenRoot(m.Home.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	for _, rel := range profiletest.Files(t, top) {
		if rel == "a/root/.ports.lock" {
			continue
		}
		below, ok := strings.CutPrefix(rel, "a/root/profiles/new/")
		if !ok {
			t.Errorf("%q is outside of the profile", rel)
			continue
		}
		if info, err := inside.Stat(below); err != nil || !info.Mode().IsRegular() && !info.IsDir() {
			t.Errorf("%q is %v, %v", rel, info, err)
		}
		if contents.Of(below) == contents.Local {
			t.Errorf("%q was to be dropped", rel)
		}
	}
	if _, err := s.Get(m.Home.Name); err != nil {
		t.Error(err)
	}
}

func FuzzImport(f *testing.F) {
	for _, items := range [][]item{
		{file("x/SOUL.md", "s")},
		{dir("x"), file("x/SOUL.md", "s"), file("x/.env", "A=1\n"), {kind: tar.TypeSymlink, name: "x/l", link: "SOUL.md"}},
		{file("x/SOUL.md", "s"), {kind: tar.TypeLink, name: "x/l", link: "x/SOUL.md"}},
	} {
		f.Add(makeTar(f, items...))
	}
	for _, h := range hostiles() {
		if data := makeTar(f, h.items...); len(data) < 100<<10 {
			f.Add(data)
		}
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		f.Fatal(err)
	}
	defer enc.Close()
	// The fuzzer changes the tar archive before compression. A change in the compressed stream would only fail its checksum.
	f.Fuzz(func(t *testing.T, data []byte) { fuzzedImport(t, enc.EncodeAll(data, nil)) })
}

func FuzzImportCompressed(f *testing.F) {
	good := compress(f, makeTar(f, file("x/SOUL.md", "s")))
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd})
	f.Fuzz(fuzzedImport)
}

// TestDirectoriesThatNoEntryNamesCountToo: an archive with few entries can create many directories.
func TestDirectoriesThatNoEntryNamesCountToo(t *testing.T) {
	items := []item{file("x/SOUL.md", "s")}
	for i := range 5 {
		items = append(items, file(fmt.Sprintf("x/%d%s/f", i, strings.Repeat("/d", 20)), ""))
	}
	s := profile.NewStore(t.TempDir())
	_, err := importBytes(t, s, compress(t, makeTar(t, items...)), "")
	var refused *Error
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "more than 50 entries") {
		t.Errorf("got %v", err)
	}
	if left := profiletest.Entries(t, s); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestNoArchiveMakesMoreThanItMay, for generated archives of files.
func TestNoArchiveMakesMoreThanItMay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		items := []item{file("x/SOUL.md", "s")}
		paths := rapid.SliceOfNDistinct(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 12), 1, 20,
			func(p []string) string { return strings.Join(p, "/") }).Draw(rt, "paths")
		made := map[string]bool{"SOUL.md": true}
		for _, p := range paths {
			at := "x"
			for _, e := range p {
				at += "/" + e + "d"
				made[at] = true
			}
			made[at+"/f"] = true
			items = append(items, file(at+"/f", ""))
		}
		s := profile.NewStore(t.TempDir())
		_, err := importBytes(t, s, compress(t, makeTar(t, items...)), "")
		if fits := len(made) <= small.Entries; fits != (err == nil) {
			rt.Fatalf("%d are made, %d may be: %v", len(made), small.Entries, err)
		}
		if left := profiletest.Entries(t, s); err != nil && len(left) > 0 {
			rt.Fatalf("left behind: %v", left)
		}
	})
}

// TestAnArchiveWithAnExpensiveConfigurationIsRefused before its profile appears among the others.
func TestAnArchiveWithAnExpensiveConfigurationIsRefused(t *testing.T) {
	for what, config := range map[string]string{
		"anchors": "a: &a [x]\nb: *a\n", "a merge of itself": "model: &m\n  <<: *m\n", "too large": strings.Repeat("# x\n", config.MaxSize/4+1),
	} {
		s := profile.NewStore(t.TempDir())
		_, err := importBytes(t, s, compress(t, makeTar(t, file("x/SOUL.md", "s"), file("x/config.yaml", config))), "")
		var refused *Error
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "config.yaml") {
			t.Errorf("%s: got %v", what, err)
		}
		if left := profiletest.Entries(t, s); len(left) > 0 {
			t.Errorf("%s: left behind: %v", what, left)
		}
	}
	// A config.yaml that is merely wrong is imported as it was saved.
	s := profile.NewStore(t.TempDir())
	if _, err := importBytes(t, s, compress(t, makeTar(t, file("x/SOUL.md", "s"), file("x/config.yaml", "colour: red\n"), file("x/.env", "API_SERVER_PORT=9000\n"))), ""); err != nil {
		t.Error(err)
	}
}
