package archive

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hermes/internal/profile"
	"hermes/internal/profile/contents"
	"hermes/internal/profile/profiletest"
)

// TestAnExportLeavesOutWhatCannotBeReadButNothingEssential: a lost+found, a file that only root may read, a directory that only root
// may enter.
func TestAnExportLeavesOutWhatCannotBeReadButNothingEssential(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	h := mustCreate(t, s, "coder", nil).Home
	for rel, mode := range map[string]fs.FileMode{"skills/a": 0o644, "skills/rooted": 0, "locked/x": 0o644, "listed/x": 0o644, "skills/b": 0o644, "lost+found/x": 0o644} {
		profiletest.Put(t, filepath.Join(h.Dir, rel), rel)
		if err := os.Chmod(filepath.Join(h.Dir, rel), mode); err != nil {
			t.Fatal(err)
		}
	}
	for dir, mode := range map[string]fs.FileMode{"..": 0o755, ".": 0o755, "skills": 0o755, ".env": 0o644, profile.SoulName: 0o644, "locked": 0, "listed": 0o744, "lost+found": 0} {
		at := filepath.Join(h.Dir, dir)
		if err := os.Chmod(at, mode); err != nil {
			t.Fatal(err)
		}
		if mode == 0 || dir == "listed" {
			t.Cleanup(func() { _ = os.Chmod(at, 0o755) }) // so that TempDir can remove it
		}
	}
	export := func() (archive bytes.Buffer, e Exported, err error) {
		profiletest.AsNobody(t, func() { e, err = Export(t.Context(), h, &archive, exportOptions(true)) })
		return archive, e, err
	}
	archive, e, err := export()
	if err != nil {
		t.Fatal(err)
	}
	const denied = "it cannot be read: permission denied"
	if want := []contents.LeftOut{{Name: "listed", Why: denied}, {Name: "locked", Why: denied}, {Name: "lost+found", Why: contents.WhyLocal}, {Name: "skills/rooted", Why: denied}}; !slices.Equal(e.LeftOut, want) {
		t.Errorf("got  %q\nwant %q", e.LeftOut, want)
	}
	m, err := importBytes(t, profile.NewStore(t.TempDir()), archive.Bytes(), "")
	if err != nil {
		t.Fatal(err)
	}
	if got := profiletest.Files(t, m.Home.Dir); !slices.Equal(got, []string{".env", "SOUL.md", "skills/a", "skills/b"}) {
		t.Errorf("%q", got)
	}

	if err := os.Chmod(h.Soul(), 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := export(); err == nil || !strings.Contains(err.Error(), "cannot export profile 'coder': SOUL.md: "+denied) {
		t.Errorf("without its SOUL.md: %v", err)
	}
}
