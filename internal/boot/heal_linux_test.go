package boot

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

const (
	mine    = 54321 // the uid of the runtime user in these tests
	foreign = 54322
)

// volumeOf creates files (and directories, with a trailing slash) below a new root. All belong to the runtime user except theirs.
func volumeOf(t *testing.T, paths []string, theirs ...string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to give files away")
	}
	root := t.TempDir()
	own(t, root, mine)
	for _, p := range paths {
		full := filepath.Join(root, p)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if p[len(p)-1] == '/' {
			if err := os.MkdirAll(full, 0o755); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(full, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		for dir := full; dir != root; dir = filepath.Dir(dir) {
			own(t, dir, mine)
		}
	}
	for _, p := range theirs {
		own(t, filepath.Join(root, p), foreign)
	}
	return root
}

func own(t *testing.T, path string, id int) {
	t.Helper()
	if err := os.Lchown(path, id, id); err != nil {
		t.Fatal(err)
	}
}

func owner(t *testing.T, path string) int {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	if st.Uid != st.Gid {
		t.Fatalf("%s belongs to %d:%d", path, st.Uid, st.Gid)
	}
	return int(st.Uid)
}

func heal(t *testing.T, root string) {
	t.Helper()
	if _, err := Heal(root, mine, mine); err != nil {
		t.Fatal(err)
	}
}

func TestAForeignTreeIsGivenOverWhole(t *testing.T) {
	all := []string{"profiles", "profiles/coder", "profiles/coder/a", "profiles/coder/a/b", "profiles/coder/a/b/c", "profiles/coder/a/b/file"}
	root := volumeOf(t, []string{"profiles/coder/a/b/c/", "profiles/coder/a/b/file"}, all...)
	own(t, root, foreign)
	heal(t, root)
	for _, p := range append(all, "") {
		if got := owner(t, filepath.Join(root, p)); got != mine {
			t.Errorf("%q still belongs to %d", p, got)
		}
	}
}

func TestWhatLiesDirectlyInALookedAtDirectoryIsGivenOver(t *testing.T) {
	wrong := []string{"config.yaml", "fresh", "fresh/deep", "profiles/coder", "profiles/coder/x", "profiles/writer/hermes.db",
		"profiles/writer/sub", "profiles/writer/sub/deep", "logs/container-boot.log", "logs/gateways/coder", "logs/gateways/coder/current",
		"logs/gateways/writer/current"}
	root := volumeOf(t, []string{"config.yaml", "fresh/deep", "profiles/coder/x", "profiles/writer/hermes.db", "profiles/writer/sub/deep",
		"logs/container-boot.log", "logs/gateways/coder/current", "logs/gateways/writer/current"}, wrong...)
	heal(t, root)
	for _, p := range wrong {
		if got := owner(t, filepath.Join(root, p)); got != mine {
			t.Errorf("%s still belongs to %d", p, got)
		}
	}
}

// TestTreesThatAreRightAreNotWalked: a file with a wrong owner deep in a tree whose top is right stays as it is, which shows that
// Heal did not walk there.
func TestTreesThatAreRightAreNotWalked(t *testing.T) {
	deep := []string{"workspace/a/file", "profiles/coder/workspace/file", "profiles/coder/workspace/a/file", "logs/gateways/coder/old/file"}
	root := volumeOf(t, deep, deep...)
	heal(t, root)
	for _, p := range deep {
		if got := owner(t, filepath.Join(root, p)); got != foreign {
			t.Errorf("%s was looked at", p)
		}
	}
}

func TestNoLinkIsFollowed(t *testing.T) {
	root := volumeOf(t, []string{"profiles/coder/"})
	outside := t.TempDir()
	own(t, outside, foreign)
	file := filepath.Join(outside, "passwd")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	own(t, file, foreign)
	links := []string{"profiles/coder/dir", "profiles/coder/file", "profiles/linked", "logs", "dangling"}
	targets := []string{outside, file, outside, outside, "/nowhere"}
	for i, l := range links {
		if err := os.Symlink(targets[i], filepath.Join(root, l)); err != nil {
			t.Fatal(err)
		}
		own(t, filepath.Join(root, l), foreign)
	}
	heal(t, root)
	if owner(t, outside) != foreign || owner(t, file) != foreign {
		t.Error("what a link points to was given away")
	}
	for _, l := range links {
		if owner(t, filepath.Join(root, l)) != mine {
			t.Errorf("the link %s itself was not given over", l)
		}
	}
}

func TestTheRootItselfIsNotFollowedEither(t *testing.T) {
	root := volumeOf(t, nil)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	own(t, root, foreign)
	if _, err := Heal(link, mine, mine); !errors.Is(err, syscall.ELOOP) && !errors.Is(err, syscall.ENOTDIR) || owner(t, root) != foreign {
		t.Errorf("got %v", err)
	}
}

func TestAFileWithAnotherNameIsLeftAlone(t *testing.T) {
	root := volumeOf(t, []string{"profiles/coder/linked", "profiles/coder/single"}, "profiles/coder/single")
	shadow := filepath.Join(filepath.Dir(root), "shadow")
	if err := os.Link(filepath.Join(root, "profiles/coder/linked"), shadow); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(shadow) })
	own(t, shadow, foreign)
	heal(t, root)
	if owner(t, shadow) != foreign {
		t.Error("a file outside was given away through its hard link")
	}
	if owner(t, filepath.Join(root, "profiles/coder/single")) != mine {
		t.Error("its neighbor was not given over")
	}
}

func TestAFIFODoesNotBlockTheBoot(t *testing.T) {
	root := volumeOf(t, []string{"profiles/coder/"})
	fifo := filepath.Join(root, "profiles/coder/fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	own(t, fifo, foreign)
	heal(t, root)
	if owner(t, fifo) != mine {
		t.Error("not given over")
	}
}

func TestHealSettlesAfterOneRun(t *testing.T) {
	root := volumeOf(t, []string{"profiles/coder/a/b", "logs/gateways/coder/current"}, "profiles", "profiles/coder", "profiles/coder/a/b", "logs/gateways")
	heal(t, root)
	before := fingerprint(t, root)
	heal(t, root)
	if fingerprint(t, root) != before {
		t.Error("a second run changed something")
	}
}
