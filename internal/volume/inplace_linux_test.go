package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// mounted mounts a file at a name in a home, as docker run -v FILE:/opt/data/NAME does. It returns the path of the file on the host.
func mounted(t *testing.T, root, name, content string) (outside string) {
	t.Helper()
	outside = put(t, filepath.Join(t.TempDir(), name), content)
	put(t, filepath.Join(root, name), "")
	bind(t, outside, filepath.Join(root, name))
	return outside
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func TestAFileThatIsAMountIsWrittenInPlace(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		root := t.TempDir()
		outside := mounted(t, root, ".env", "KEY=old\n")
		if err := os.Chmod(outside, 0o640); err != nil {
			t.Fatal(err)
		}
		d := At(root)
		if !d.IsMount(".env") || d.IsMount(".") || d.IsMount("none") {
			t.Error("what is a mount is not told")
		}
		for _, content := range []string{"KEY=new and longer\n", "K=v\n", "", strings.Repeat("LONG=x\n", 20_000), "KEY=again\n"} {
			if err := d.WriteFile(".env", []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{outside, filepath.Join(root, ".env")} {
				if got, err := os.ReadFile(path); err != nil || string(got) != content {
					t.Errorf("%s holds %d bytes, want %d: %v", path, len(got), len(content), err)
				}
			}
		}
		if info, err := os.Stat(outside); err != nil || info.Mode() != 0o640 {
			t.Errorf("the mode is %v now: %v", info.Mode(), err)
		}
		if got := names(t, root); got != ".env" {
			t.Errorf("left beside it: %s", got)
		}
	})
}

// TestAMountThatCannotBeWrittenStaysAsItIs: because it is read-only, or because there is no room.
func TestAMountThatCannotBeWrittenStaysAsItIs(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, file string)
		want    error
	}{
		"read-only": {func(t *testing.T, file string) {
			if err := unix.Mount("", file, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
		}, unix.EROFS},
		"no room": {nil, unix.ENOSPC},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			d := At(root)
			file := filepath.Join(root, "f")
			old := strings.Repeat("old\n", 1000)
			if c.prepare != nil {
				mounted(t, root, "f", old)
				c.prepare(t, file)
			} else {
				small := t.TempDir()
				if os.Geteuid() != 0 {
					t.Skip("needs root to mount")
				}
				if err := unix.Mount("none", small, "tmpfs", 0, "size=64k"); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = unix.Unmount(small, unix.MNT_DETACH) })
				put(t, file, "")
				bind(t, put(t, filepath.Join(small, "f"), old), file)
			}
			err := d.WriteFile("f", []byte(strings.Repeat("new\n", 100_000)), 0o600)
			var pe *fs.PathError
			if !errors.Is(err, ErrMount) || !errors.Is(err, c.want) || !errors.As(err, &pe) || pe.Path != file {
				t.Errorf("got %v", err)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != old {
				t.Errorf("it holds %d bytes, want %d: %v", len(got), len(old), err)
			}
			if got := names(t, root); got != "f" {
				t.Errorf("left beside it: %s", got)
			}
		})
	}
}

// TestAReaderOfAMountNeverSeesHalf of a content, however long it is.
func TestAReaderOfAMountNeverSeesHalf(t *testing.T) {
	root := t.TempDir()
	d := At(root)
	whole := map[string]bool{}
	var contents []string
	for i := range 8 {
		s := strings.Repeat(fmt.Sprint(i), 1+i*3000)
		whole[s] = true
		contents = append(contents, s)
	}
	mounted(t, root, "f", contents[0])
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for i := range 40 {
				if err := d.WriteFile("f", []byte(contents[i%len(contents)]), 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
	over := make(chan struct{})
	go func() {
		writers.Wait()
		close(over)
	}()
	for {
		data, err := d.ReadFile("f", 1<<20)
		if err != nil || !whole[string(data)] {
			t.Errorf("read %d bytes: %.40q... %v", len(data), data, err)
		}
		select {
		case <-over:
			return
		default:
		}
	}
}

func TestAMountIsNotMovedAndItsContentIs(t *testing.T) {
	root := t.TempDir()
	d := At(root)
	outside := mounted(t, root, "f", "what was there")
	put(t, filepath.Join(root, "other"), "x")
	for _, err := range []error{d.Rename("f", "g"), d.Rename("other", "f")} {
		if !errors.Is(err, ErrMount) {
			t.Errorf("got %v", err)
		}
	}
	if err := d.SetAside("f", "f.1", 3); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if err := d.SetAside("f", "f.1", 100); err != nil {
		t.Fatal(err)
	}
	if data, err := d.ReadFile("f.1", 100); err != nil || string(data) != "what was there" {
		t.Errorf("%q %v", data, err)
	}
	if data, err := os.ReadFile(outside); err != nil || len(data) != 0 {
		t.Errorf("%q %v", data, err)
	}
	if err := d.SetAside("f.1", "f.2", 1); err != nil || d.Exists("f.1") {
		t.Errorf("what is no mount was not just renamed: %v", err)
	}
}
