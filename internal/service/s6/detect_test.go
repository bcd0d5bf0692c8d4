//go:build unix

package s6_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"hermes/internal/service"
	"hermes/internal/service/s6"
)

func TestDetectWantsAFIFOThatSomebodyReads(t *testing.T) {
	fifo := func(t *testing.T, path string, read bool) {
		t.Helper()
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if read {
			f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
		}
	}
	for name, tt := range map[string]struct {
		make func(t *testing.T, control string)
		want service.Kind
	}{
		"read":    {func(t *testing.T, c string) { fifo(t, c, true) }, service.KindS6},
		"unread":  {func(t *testing.T, c string) { fifo(t, c, false) }, service.KindNone},
		"absent":  {func(*testing.T, string) {}, service.KindNone},
		"symlink": {func(t *testing.T, c string) { fifo(t, c+".real", true); must(t, os.Symlink("control.real", c)) }, service.KindNone},
		"plain":   {func(t *testing.T, c string) { must(t, os.WriteFile(c, nil, 0o600)) }, service.KindNone},
		"dir":     {func(t *testing.T, c string) { must(t, os.Mkdir(c, 0o700)) }, service.KindNone},
	} {
		t.Run(name, func(t *testing.T) {
			scandir := t.TempDir()
			must(t, os.Mkdir(filepath.Join(scandir, ".s6-svscan"), 0o700))
			tt.make(t, filepath.Join(scandir, ".s6-svscan", "control"))
			if got := s6.Detect(scandir); got != tt.want {
				t.Errorf("detected %q, want %q", got, tt.want)
			}
		})
	}
	if got := s6.Detect(filepath.Join(t.TempDir(), "absent")); got != service.KindNone {
		t.Errorf("detected %q without a directory", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestScandirIsTheImagesUnlessTold(t *testing.T) {
	for value, want := range map[string]string{"": "/run/service", "/x": "/x"} {
		if got := s6.Scandir(func(string) string { return value }); got != want {
			t.Errorf("with %q it is %q", value, got)
		}
	}
}
