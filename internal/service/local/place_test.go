//go:build unix

package local_test

import (
	"os"
	"path/filepath"
	"testing"

	"hermes/internal/service/local"
)

func TestTheMeetingPlaceIsTheOwnersAlone(t *testing.T) {
	home := t.TempDir()
	if err := os.Mkdir(local.Dir(home), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(local.Dir(home), 0o777); err != nil { // the umask has changed the mode of Mkdir
		t.Fatal(err)
	}
	c, err := local.Take(home)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	for name, want := range map[string]os.FileMode{".": 0o700, "socket": 0o600, "lock": 0o600, "holder.json": 0o600} {
		info, err := os.Lstat(filepath.Join(local.Dir(home), name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %04o", name, info.Mode(), err, want)
		}
	}
}

func TestALinkInThePlaceOfTheMeetingPlaceIsRefused(t *testing.T) {
	home, elsewhere := t.TempDir(), t.TempDir()
	if err := os.Symlink(elsewhere, local.Dir(home)); err != nil {
		t.Fatal(err)
	}
	c, err := local.Take(home)
	if err == nil {
		c.Release()
		t.Error("it is followed")
	}
	if left, _ := os.ReadDir(elsewhere); len(left) != 0 {
		t.Errorf("made there: %v", left)
	}
}
