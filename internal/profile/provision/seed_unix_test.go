//go:build unix

package provision

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"hermes/internal/profile"
)

func TestSeedKeepsSecretsPrivate(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	s := profile.NewStore(filepath.Join(t.TempDir(), "root"))
	h, err := Seed(t.Context(), s, profile.Default())
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{h.Dir: 0o700, h.Env(): 0o600, h.Soul(): 0o644} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
	// An .env without a key, which a person wrote and everybody may read, becomes private when a key is written into it.
	if err := errors.Join(os.WriteFile(h.Env(), nil, 0o644), os.Chmod(h.Env(), 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, err := Seed(t.Context(), s, profile.Default()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(h.Env()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("with a new key: %v, %v", info.Mode(), err)
	}
}
