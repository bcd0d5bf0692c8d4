package volume

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAppendLimitedKeepsTwoFilesWithinTheLimit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	d := At(dir)
	for _, line := range []string{"1234\n", "5678\n", "9\n", "abcd\n", "efgh\n", "i\n"} {
		if err := d.AppendLimited("log", []byte(line), 0o600, 10); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"log": "efgh\ni\n", "log.1": "9\nabcd\n"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(data) != want {
			t.Errorf("%s has %q, %v; want %q", name, data, err, want)
		}
	}
	var full *SetAsideError
	if err := os.Remove(filepath.Join(dir, "log.1")); err != nil {
		t.Fatal(err)
	}
	if err := d.MkdirAll("log.1/full", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.AppendLimited("log", []byte("jklm\n"), 0o600, 10); !errors.As(err, &full) {
		t.Error(err)
	}
	if err := d.Mkdir("dir", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.AppendLimited("dir", nil, 0o600, 10); err == nil || !strings.HasSuffix(err.Error(), " is a directory") {
		t.Error(err)
	}
}
