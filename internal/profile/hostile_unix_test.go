//go:build unix

package profile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hermes/internal/volume"
)

// atOnce fails the test if f does not return soon: without the guard under test it would block for ever.
func atOnce(t *testing.T, what string, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(10 * time.Second):
		t.Fatalf("%s blocks", what)
		return nil
	}
}

var makeNasty = map[string]func(path string) error{
	"FIFO":          func(p string) error { return syscall.Mkfifo(p, 0o644) },
	"symbolic link": func(p string) error { return os.Symlink("/etc/passwd", p) },
	"directory":     func(p string) error { return os.Mkdir(p, 0o755) },
	"device":        func(p string) error { return os.Symlink("/dev/zero", p) },
}

func TestUpdateStateMovesANastyAsideAndFollowsNothing(t *testing.T) {
	for kind, make := range makeNasty {
		h := home(t)
		if err := make(h.StateFile()); err != nil {
			t.Fatal(err)
		}
		if err := atOnce(t, "UpdateState over a "+kind, func() error { return SetDesired(t.Context(), h, DesiredStopped) }); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if s, err := ReadState(h); err != nil || s.Desired != DesiredStopped {
			t.Errorf("%s: %+v, %v", kind, s, err)
		}
		if _, err := os.Lstat(h.StateFile() + ".corrupt"); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestUpdateStateRefusesANastyLock(t *testing.T) {
	for kind, make := range makeNasty {
		h := home(t)
		if err := make(h.Files().Path(stateLockName)); err != nil {
			t.Fatal(err)
		}
		err := atOnce(t, "UpdateState with a "+kind+" as lock", func() error { return SetDesired(t.Context(), h, DesiredStopped) })
		if !errors.Is(err, volume.ErrNotRegular) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestListShowsTheGoodNamesTheBadAndHidesWhatIsNoProfile(t *testing.T) {
	s := NewStore(t.TempDir())
	dir := filepath.Join(s.Root(), "profiles")
	profile := func(name string) string {
		p := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(p, 0o755), os.WriteFile(filepath.Join(p, "SOUL.md"), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
		return p
	}
	soulIs := func(name string, make func(string) error) {
		p := filepath.Join(dir, name)
		if err := errors.Join(os.Mkdir(p, 0o755), make(filepath.Join(p, "SOUL.md"))); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere := profile("zz-good")
	for _, name := range []string{"coder", "Bad Name", "-rf", "new\nline", "\x1b]0;x\a", "root", "default", ".hidden", "\xff"} {
		profile(name)
	}
	soulIs("soul-fifo", makeNasty["FIFO"])
	soulIs("soul-link", makeNasty["symbolic link"])
	soulIs("soul-dir", makeNasty["directory"])
	if err := errors.Join(
		os.Mkdir(filepath.Join(dir, "no-soul"), 0o755),
		os.Mkdir(filepath.Join(dir, "Not A Profile"), 0o755),
		os.WriteFile(filepath.Join(dir, "file"), nil, 0o644),
		os.Symlink(elsewhere, filepath.Join(dir, "linked")),
		os.Symlink("nowhere", filepath.Join(dir, "dangling")),
		syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"default": true, "coder": true, "zz-good": true}
	for _, bad := range []string{"Bad Name", "-rf", "new\nline", "\x1b]0;x\a", "root", "\xff", "soul-fifo", "soul-link", "soul-dir", "linked", "dangling", "fifo"} {
		want[bad] = false
	}
	if os.Geteuid() != 0 {
		p := profile("locked")
		if err := os.Chmod(p, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(p, 0o755) })
		want["locked"] = false
	}
	var entries []Entry
	if err := atOnce(t, "List", func() (err error) { entries, err = s.List(); return err }); err != nil {
		t.Fatal(err)
	}
	if entries[0].Label != "default" || entries[0].Err != nil {
		t.Fatalf("first is %+v", entries[0])
	}
	got := map[string]bool{}
	for i, e := range entries {
		if e.Label == "default" && i > 0 { // the directory profiles/default, not the root home
			if e.Err == nil {
				t.Error("profiles/default is used")
			}
			continue
		}
		got[e.Label] = e.Err == nil
		if e.Err != nil && strings.ContainsAny(e.Err.Error(), "\n\x1b\a") {
			t.Errorf("%q: unprintable message %q", e.Label, e.Err)
		}
	}
	if len(got) != len(want) || len(entries) != len(want)+1 {
		t.Errorf("got %v\nwant %v", got, want)
	}
	for label, ok := range want {
		if have, there := got[label]; !there || have != ok {
			t.Errorf("%q: there %v, usable %v; want usable %v", label, there, have, ok)
		}
	}
}

func TestRunningPIDKnowsTheHolderByItsLock(t *testing.T) {
	h := home(t)
	if _, running := RunningPID(h); running {
		t.Error("nobody holds the lock")
	}
	if err := os.WriteFile(h.PIDFile(), []byte(`{"pid":4711}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, running := RunningPID(h); running {
		t.Error("a pid file alone is no gateway")
	}
	lock, err := h.Files().TryLock(LockName)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	if pid, running := RunningPID(h); !running || pid != 4711 {
		t.Errorf("got %d, %v", pid, running)
	}
}
