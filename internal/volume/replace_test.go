package volume

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestReplaceInIsAtomic: a reader sees either the old content or the new one, and never a part.
func TestReplaceInIsAtomic(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("readers like these keep a file from being replaced there")
	}
	r, path := rootWith(t, strings.Repeat("a", 1<<16))
	written := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < 200 && err == nil; i++ {
			err = replaceIn(r, "d/f", []byte(strings.Repeat(string(rune('b'+i%3)), 1<<16)), 0o600, never)
		}
		written <- err
	}()
	for {
		data, err := os.ReadFile(path)
		if err != nil || len(data) != 1<<16 || strings.Trim(string(data), string(data[0])) != "" {
			t.Fatalf("%d bytes, %v", len(data), err)
		}
		select {
		case err := <-written:
			if err != nil {
				t.Error(err)
			}
			onlyFile(t, path)
			return
		default:
		}
	}
}

func TestReplaceInThatFailsLeavesWhatWasThere(t *testing.T) {
	r, path := rootWith(t, "before")
	if err := r.Mkdir("d/dir", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := replaceIn(r, "d/dir", []byte("after"), 0o600, never); err == nil {
		t.Error("a directory was replaced")
	}
	if err := r.Remove("d/dir"); err != nil {
		t.Fatal(err)
	}
	onlyFile(t, path)
	if err := replaceIn(r, "none/f", nil, 0o600, never); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if data, err := os.ReadFile(path); string(data) != "before" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestReplaceInTriesAgainWhileSomebodyReads(t *testing.T) {
	r, path := rootWith(t, "before")
	if err := r.Mkdir("d/dir", 0o700); err != nil {
		t.Fatal(err)
	}
	tries := 0
	err := replaceIn(r, "d/dir", []byte("after"), 0o600, func(error) bool {
		if tries++; tries == 3 {
			if err := r.Remove("d/dir"); err != nil {
				t.Error(err)
			}
		}
		return true
	})
	if data, rerr := r.ReadFile("d/dir"); err != nil || string(data) != "after" || tries != 3 {
		t.Errorf("%q after %d tries: %v, %v", data, tries, err, rerr)
	}
	if err := r.Remove("d/dir"); err != nil {
		t.Fatal(err)
	}
	onlyFile(t, path)
}

func never(error) bool { return false }

// rootWith returns a directory with a file d/f.
func rootWith(t *testing.T, content string) (r *os.Root, path string) {
	t.Helper()
	dir := t.TempDir()
	r, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if err := r.Mkdir("d", 0o700); err != nil {
		t.Fatal(err)
	}
	return r, put(t, filepath.Join(dir, "d", "f"), content)
}

// onlyFile checks that no temporary file is left.
func onlyFile(t *testing.T, path string) {
	t.Helper()
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}
