//go:build unix

package volume

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
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

func fifo(t *testing.T, path string) string {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// nasties are things that may lie where a file is expected. The keys are the words for them in messages.
func nasties(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	link, dangling, socket := filepath.Join(dir, "link"), filepath.Join(dir, "dangling"), filepath.Join(dir, "s")
	if err := errors.Join(os.Symlink(put(t, filepath.Join(dir, "target"), "secret"), link), os.Symlink("nowhere", dangling)); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return map[string]string{
		"a symbolic link":         link,
		"a symbolic link nowhere": dangling,
		"a FIFO":                  fifo(t, filepath.Join(dir, "fifo")),
		"a socket":                socket,
		"a device":                "/dev/zero",
		"a directory":             dir,
	}
}

func TestNothingButARegularFileIsReadAndNothingBlocks(t *testing.T) {
	for kind, path := range nasties(t) {
		err := atOnce(t, "ReadFile of "+kind, func() error { _, err := readFile(path, 1<<20); return err })
		if !errors.Is(err, ErrNotRegular) {
			t.Errorf("%s: got %v, want ErrNotRegular", kind, err)
		}
	}
}

func TestNothingButARegularFileIsLockedAndNothingBlocks(t *testing.T) {
	for kind, path := range nasties(t) {
		for name, lock := range map[string]func() error{
			"TryLock":  func() error { _, err := lockNow(path); return err },
			"WaitLock": func() error { _, err := waitLock(t.Context(), path); return err },
		} {
			if err := atOnce(t, name+" of "+kind, lock); !errors.Is(err, ErrNotRegular) {
				t.Errorf("%s of %s: got %v, want ErrNotRegular", name, kind, err)
			}
		}
	}
}

// TestASwapAfterTheLookIsNoticed: while a file, a link to a secret and a FIFO take turns at one path, a reader gets the file or an
// error. It never gets the secret and never blocks.
func TestASwapAfterTheLookIsNoticed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	put(t, path, "fine")
	secret := put(t, filepath.Join(dir, "secret"), "secret")
	stop := make(chan struct{})
	var swaps sync.WaitGroup
	swaps.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			tmp := filepath.Join(dir, "tmp")
			switch i % 3 {
			case 0:
				_ = os.Symlink(secret, tmp)
			case 1:
				_ = syscall.Mkfifo(tmp, 0o644)
			case 2:
				_ = os.WriteFile(tmp, []byte("fine"), 0o644)
			}
			_ = os.Rename(tmp, path)
		}
	})
	err := atOnce(t, "reading a path under attack", func() error {
		for range 30000 {
			data, err := readFile(path, 1<<10)
			if err == nil && string(data) != "fine" {
				return errors.New("read " + string(data))
			}
		}
		return nil
	})
	close(stop)
	swaps.Wait()
	if err != nil {
		t.Error(err)
	}
}

func TestWriteFileReplacesALinkAndSparesItsTarget(t *testing.T) {
	dir := t.TempDir()
	target := put(t, filepath.Join(dir, "target"), "precious")
	link := filepath.Join(dir, "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(link, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := readFile(link, 10); err != nil || string(data) != "new" {
		t.Errorf("the path holds %q, %v", data, err)
	}
	if data, _ := os.ReadFile(target); string(data) != "precious" {
		t.Errorf("the link's target holds %q", data)
	}
}

func TestWriteFileReplacesAFIFOWithoutBlocking(t *testing.T) {
	path := fifo(t, filepath.Join(t.TempDir(), "f"))
	if err := atOnce(t, "WriteFile onto a FIFO", func() error { return writeFile(path, []byte("new"), 0o644) }); err != nil {
		t.Fatal(err)
	}
	if data, err := readFile(path, 10); err != nil || string(data) != "new" {
		t.Errorf("got %q, %v", data, err)
	}
}

func TestWriteFileLeavesOtherNamesOfTheFileAlone(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "f"), filepath.Join(dir, "hardlink")
	put(t, path, "old")
	if err := os.Link(path, other); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(path, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(other); string(data) != "old" {
		t.Errorf("the other name now holds %q", data)
	}
}

func TestWriteFileGivesTheModeThatWasAskedFor(t *testing.T) {
	path := put(t, filepath.Join(t.TempDir(), "env"), "KEY=secret")
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(path, []byte("KEY=other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600: a secret's old mode must not survive", info.Mode(), err)
	}
}

// TestWriteFileTouchesNoOtherDirectory: the temporary file of a secret lies beside the secret, where only those look who may read
// the secret anyway.
func TestWriteFileTouchesNoOtherDirectory(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	dir := t.TempDir()
	long := time.Unix(1e9, 0) // creating or removing any name in the directory changes its time
	if err := os.Chtimes(tmp, long, long); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(filepath.Join(dir, "f"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(tmp); err != nil || !info.ModTime().Equal(long) {
		t.Errorf("WriteFile made something in TMPDIR at %v, %v", info.ModTime(), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("leftovers: %v, %v", entries, err)
	}
}

func TestReadersSeeTheOldContentOrTheNewNeverHalf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	contents := []string{strings.Repeat("a", 64<<10), strings.Repeat("b", 32<<10)}
	put(t, path, contents[0])
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := writeFile(path, []byte(contents[i%2]), 0o644); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 500 {
		data, err := readFile(path, 1<<20)
		if s := string(data); err != nil || s != contents[0] && s != contents[1] {
			t.Errorf("read %d bytes, %v", len(data), err)
			break
		}
	}
	close(stop)
	writer.Wait()
}

func TestNoPermissionIsReportedAsThat(t *testing.T) {
	path := put(t, filepath.Join(t.TempDir(), "f"), "x")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	withoutRootsRights(t)
	if _, err := open(path); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Open: %v", err)
	}
	if _, err := lockNow(path); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("TryLock: %v", err)
	}
}

// TestADirectoryThatMayNotBeEnteredIsLookedAtAllTheSame, so that a message can say whose it is.
func TestADirectoryThatMayNotBeEnteredIsLookedAtAllTheSame(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	info, err := At(dir).Stat(".")
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0 {
		t.Errorf("%v, %v", info, err)
	}
	if uid, _ := info.Owner(); uid != os.Geteuid() {
		t.Errorf("it belongs to %d", uid)
	}
}
