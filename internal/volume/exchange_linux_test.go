package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// bothWays runs a test with openat2, and with the code that replaces it on old kernels.
func bothWays(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	for _, without := range []bool{false, true} {
		name := "openat2"
		if without {
			name = "an old kernel"
		}
		t.Run(name, func(t *testing.T) {
			old.Store(without)
			t.Cleanup(func() { old.Store(false) })
			test(t)
			if old.Load() != without {
				t.Error("openat2 is not there, or was taken not to be")
			}
		})
	}
}

// exchange swaps two names again and again until the test ends.
func exchange(t *testing.T, a, b string) {
	t.Helper()
	stop := make(chan struct{})
	var swaps sync.WaitGroup
	swaps.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
			}
		}
	})
	t.Cleanup(func() {
		close(stop)
		swaps.Wait()
	})
}

// listing describes everything below a directory: owner, mode and content.
func listing(t *testing.T, dir string) string {
	t.Helper()
	all := ""
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		data, _ := os.ReadFile(path)
		all += fmt.Sprintf("%s %o %d:%d %q\n", path, st.Mode, st.Uid, st.Gid, data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestNothingIsReachedThroughADirectoryThatIsExchangedForALink: all the time somebody who may rename in a directory swaps a
// directory in it with a link to a directory that belongs to somebody else.
func TestNothingIsReachedThroughADirectoryThatIsExchangedForALink(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		root, outside := t.TempDir(), t.TempDir()
		inside, link := filepath.Join(root, "profiles"), filepath.Join(root, "link")
		for _, dir := range []string{inside, outside} {
			if err := os.MkdirAll(filepath.Join(dir, "dir"), 0o755); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, "file"), dir)
			put(t, filepath.Join(dir, "dir", "file"), dir)
		}
		if err := os.Symlink(outside, link); err != nil {
			t.Fatal(err)
		}
		before := listing(t, outside)
		exchange(t, inside, link)
		d := At(root)
		p := d.Sub("profiles")
		reached := 0
		for i := range 300 {
			if data, err := p.ReadFile("file", 1000); err == nil {
				if string(data) != inside {
					t.Fatalf("read %q", data)
				}
				reached++
			}
			if info, err := d.Lstat("profiles/dir"); err == nil && !info.IsDir() {
				t.Fatal("it is no directory")
			}
			name := fmt.Sprintf("new%d", i)
			_ = p.WriteFile(name, []byte("x"), 0o644)
			_ = p.Rename(name, name+"b")
			if f, err := p.Create(name, 0o644); err == nil {
				f.Close()
			}
			if f, err := p.Append("log", 0o644); err == nil {
				fmt.Fprintln(f, "line")
				f.Close()
			}
			if lock, err := p.TryLock("lock"); err == nil {
				lock.Unlock()
			}
			_ = d.MkdirAll("profiles/made/deep", 0o755)
			_ = p.Symlink("target", name+"l")
			_ = p.Chmod("file", 0o640)
			_ = p.Chmod("file", 0o644)
			_ = p.Remove(name)
			_ = p.Remove(name + "l")
			_ = d.RemoveAll("profiles/made")
			_ = d.RemoveAll("profiles/" + name + "b")
			if i%20 == 0 {
				_ = p.RemoveAll("dir")
				_ = p.MkdirAll("dir", 0o755)
				_ = p.WriteFile("dir/file", []byte("x"), 0o644)
				_ = d.Walk(func(string, fs.DirEntry, error) error { return nil })
			}
			if os.Geteuid() == 0 && i%5 == 0 {
				_, _ = d.Heal(4711, 4711, map[string]int{"profiles": 2})
				_, _ = d.Heal(0, 0, map[string]int{"profiles": 2})
			}
		}
		if after := listing(t, outside); after != before {
			t.Errorf("something changed outside:\n%s\nbefore:\n%s", after, before)
		}
		if reached == 0 {
			t.Error("nothing was reached inside either: this shows nothing")
		}
	})
}

// TestATreeIsRemovedWithoutLeavingItWhileItIsExchanged: while the tree is removed, a directory in it is swapped with a link.
func TestATreeIsRemovedWithoutLeavingItWhileItIsExchanged(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		root, outside := t.TempDir(), t.TempDir()
		put(t, filepath.Join(outside, "precious"), "x")
		link := filepath.Join(root, "link")
		if err := os.Symlink(outside, link); err != nil {
			t.Fatal(err)
		}
		inside := filepath.Join(root, "tree", "a")
		if err := os.MkdirAll(inside, 0o755); err != nil {
			t.Fatal(err)
		}
		exchange(t, inside, link)
		for range 200 {
			_ = At(root).RemoveAll("tree")
			_ = os.MkdirAll(filepath.Join(inside, "b", "c"), 0o755)
			_ = os.Symlink(outside, link)
		}
		if _, err := os.Stat(filepath.Join(outside, "precious")); err != nil {
			t.Error(err)
		}
	})
}

func TestNamesThatLeadOutAreRefused(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		root := t.TempDir()
		outside := put(t, filepath.Join(root, "outside"), "x")
		d := At(filepath.Join(root, "home"))
		if err := d.MkdirAll(".", 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"../outside", "a/../../outside", outside, "", "a/..", "x\x00"} {
			if _, err := d.ReadFile(name, 10); err == nil {
				t.Errorf("%q was read", name)
			}
			if err := d.WriteFile(name, nil, 0o644); err == nil {
				t.Errorf("%q was written", name)
			}
			if err := d.RemoveAll(name); err == nil {
				t.Errorf("%q was removed", name)
			}
		}
		for _, name := range []string{"."} {
			if err := d.RemoveAll(name); err == nil {
				t.Errorf("%q was removed", name)
			}
		}
		if _, err := os.Stat(outside); err != nil {
			t.Error(err)
		}
	})
}

// TestRootFollowsALinkOnlyWhereNobodyElseCanHavePutIt walks paths as root does.
func TestRootFollowsALinkOnlyWhereNobodyElseCanHavePutIt(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give a directory away")
	}
	top := t.TempDir()
	real := filepath.Join(top, "real")
	theirs := filepath.Join(top, "theirs")
	for _, dir := range []string{real, theirs} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(real, "f"), "x")
	ours, bad := filepath.Join(top, "link"), filepath.Join(theirs, "link")
	if err := errors.Join(os.Symlink("real", ours), os.Symlink(real, bad), os.Chown(theirs, 4711, 4711)); err != nil {
		t.Fatal(err)
	}
	if _, err := At(ours).ReadFile("f", 10); err != nil {
		t.Errorf("a link of root's in a directory of root's: %v", err)
	}
	_, err := At(bad).ReadFile("f", 10)
	var refused *fs.PathError
	if !errors.As(err, &refused) || err == nil {
		t.Errorf("a link in a directory of somebody else's was followed: %v", err)
	}
	if uid, _, err := Owner(bad); err != nil || uid != 4711 {
		t.Errorf("the path leads to uid %d, %v", uid, err)
	}
	if uid, _, err := Owner(ours); err != nil || uid != 0 {
		t.Errorf("the path leads to uid %d, %v", uid, err)
	}
	if err := os.Chmod(top, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := At(ours).ReadFile("f", 10); err == nil {
		t.Error("a link in a directory that everybody may write was followed")
	}
}

// bind mounts a directory or file at another place until the test ends.
func bind(t *testing.T, from, to string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount")
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		t.Fatalf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(to, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

func TestHealStopsAtMounts(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		root, host := t.TempDir(), t.TempDir()
		put(t, filepath.Join(host, "file"), "x")
		put(t, filepath.Join(host, "single"), "x")
		for _, dir := range []string{"work", "profiles/coder/mnt"} {
			if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
				t.Fatal(err)
			}
			bind(t, host, filepath.Join(root, dir))
		}
		put(t, filepath.Join(root, "socket"), "")
		bind(t, filepath.Join(host, "single"), filepath.Join(root, "socket"))
		before := listing(t, host)
		healed, err := At(root).Heal(4711, 4711, map[string]int{"profiles": 2})
		if err != nil {
			t.Fatal(err)
		}
		if after := listing(t, host); after != before {
			t.Errorf("what is mounted was given away:\n%s", after)
		}
		if len(healed.LeftAlone) != 3 || healed.Given < 3 {
			t.Errorf("%+v", healed)
		}
		if info, err := At(root).Stat("profiles/coder"); err != nil {
			t.Error(err)
		} else if uid, _ := info.Owner(); uid != 4711 {
			t.Error("what is not mounted was left alone")
		}
	})
}

func TestRemoveAllStopsAtMounts(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		root, host := t.TempDir(), t.TempDir()
		put(t, filepath.Join(host, "file"), "x")
		mnt := filepath.Join(root, "tree", "a", "mnt")
		if err := os.MkdirAll(mnt, 0o755); err != nil {
			t.Fatal(err)
		}
		bind(t, host, mnt)
		if err := At(root).RemoveAll("tree"); !errors.Is(err, ErrMount) {
			t.Errorf("got %v", err)
		}
		if _, err := os.Stat(filepath.Join(host, "file")); err != nil {
			t.Error("what is mounted was removed")
		}
	})
}

func TestADeepTreeIsRemovedWithFewDescriptors(t *testing.T) {
	root := t.TempDir()
	d := At(root)
	at, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 3000 {
		if err := unix.Mkdirat(at, "deep", 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := openElement(at, "deep")
		unix.Close(at)
		if err != nil {
			t.Fatal(err)
		}
		at = next
	}
	unix.Close(at)
	if err := d.RemoveAll("deep"); err != nil {
		t.Fatal(err)
	}
	if entries, err := d.ReadDir("."); err != nil || len(entries) != 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

func TestLeadsFollowsLinksOnlyInside(t *testing.T) {
	root := t.TempDir()
	put(t, filepath.Join(root, "file"), "x")
	d := At(root)
	if err := errors.Join(d.Mkdir("dir", 0o755), d.Symlink("../file", "dir/good"), d.Symlink("good", "dir/twice"), d.Symlink("../..", "dir/out"),
		d.Symlink("/etc/passwd", "abs"), d.Symlink("loop", "loop"), d.Symlink("nowhere", "dangling"), d.Symlink("dir", "way")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"file": true, "dir/good": true, "dir/twice": true, "way/good": true, "dir": true,
		"dir/out": false, "abs": false, "loop": false, "dangling": false, "dir/out/x": false,
	} {
		if err := d.Leads(name); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABaseThatWasRemovedAndMadeAnewIsFound(t *testing.T) {
	root := filepath.Join(t.TempDir(), "home")
	d := At(root)
	for range 2 {
		if _, err := d.ReadFile("f", 10); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
		if err := errors.Join(d.MkdirAll(".", 0o700), d.WriteFile("f", []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.ReadFile("f", 10); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(root); err != nil {
			t.Fatal(err)
		}
	}
}
