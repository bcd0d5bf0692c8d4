package volume

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func put(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadFileStopsAtItsLimit(t *testing.T) {
	path := put(t, filepath.Join(t.TempDir(), "f"), "12345")
	if data, err := readFile(path, 5); err != nil || string(data) != "12345" {
		t.Errorf("at the limit: %q, %v", data, err)
	}
	data, err := readFile(path, 4)
	if !errors.Is(err, ErrTooLarge) || data != nil {
		t.Errorf("over the limit: %q, %v", data, err)
	}
	if err != nil && !strings.Contains(err.Error(), path) {
		t.Errorf("%q does not name the file", err)
	}
	if data, err := readFile(put(t, path, ""), 0); err != nil || len(data) != 0 {
		t.Errorf("empty: %q, %v", data, err)
	}
}

func TestReadFileDoesNotReadAnEnormousFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sparse")
	put(t, path, "")
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Skip("no sparse files here:", err)
	}
	if _, err := readFile(path, 1<<10); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}

func TestOpenOfAMissingFileSaysSo(t *testing.T) {
	if _, err := open(filepath.Join(t.TempDir(), "f")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestADirectoryIsNoFile(t *testing.T) {
	dir := t.TempDir()
	for what, err := range map[string]error{
		"Open":      func() error { _, err := open(dir); return err }(),
		"ReadFile":  func() error { _, err := readFile(dir, 1); return err }(),
		"WriteFile": writeFile(dir, nil, 0o644),
		"TryLock":   func() error { _, err := lockNow(dir); return err }(),
		"WaitLock":  func() error { _, err := waitLock(t.Context(), dir); return err }(),
	} {
		if !errors.Is(err, ErrNotRegular) || !strings.Contains(err.Error(), "is a directory") {
			t.Errorf("%s: got %v, want ErrNotRegular and the word", what, err)
		}
	}
}

func TestWriteFileMakesAndReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, content := range []string{"first", "", strings.Repeat("x", 1<<20)} {
		if err := writeFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, []byte(content)) {
			t.Errorf("wrote %d bytes, read %d, %v", len(content), len(got), err)
		}
	}
}

func TestWriteTransientMakesAndReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for _, content := range []string{"first and long", "second"} {
		if err := At(dir).WriteTransient("f", []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if data, err := readFile(path, 100); err != nil || string(data) != content {
			t.Errorf("%q, %v", data, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("it leaves %v, %v", entries, err)
	}
}

func TestWriteFileIntoAMissingDirectoryNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "f")
	err := writeFile(path, nil, 0o644)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

func TestIsDirTellsWhatElseItIs(t *testing.T) {
	dir := t.TempDir()
	if err := isDir(dir); err != nil {
		t.Error(err)
	}
	file := put(t, filepath.Join(dir, "f"), "")
	if err := isDir(file); err == nil || err.Error() != file+" is a file, not a directory" {
		t.Errorf("file: %v", err)
	}
	if err := isDir(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func TestKindNamesEveryType(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		0o644:                             "a file",
		fs.ModeDir | 0o755:                "a directory",
		fs.ModeSymlink:                    "a symbolic link",
		fs.ModeNamedPipe:                  "a FIFO",
		fs.ModeSocket:                     "a socket",
		fs.ModeDevice:                     "a device",
		fs.ModeDevice | fs.ModeCharDevice: "a device",
		fs.ModeIrregular:                  "a special file",
	} {
		if got := Kind(mode); got != want {
			t.Errorf("%v: %q, want %q", mode, got, want)
		}
	}
}
