package profile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func env(pairs ...string) func(string) string {
	m := map[string]string{}
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		m[name] = value
	}
	return func(name string) string { return m[name] }
}

func TestRootFromEnv(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		getenv func(string) string
		want   string
	}{
		{env("HERMES_HOME="+wd, "HOME=/home/x"), wd},
		{env("HERMES_HOME=rel"), filepath.Join(wd, "rel")},
		{env("HOME=" + wd), filepath.Join(wd, ".hermes")},
		{env("USERPROFILE=" + wd), filepath.Join(wd, ".hermes")},
	} {
		if got, err := RootFromEnv(c.getenv); err != nil || got != c.want {
			t.Errorf("got %q, %v; want %q", got, err, c.want)
		}
	}
	if _, err := RootFromEnv(env()); err == nil || !strings.Contains(err.Error(), "set HERMES_HOME") {
		t.Errorf("got %v", err)
	}
}

func TestGetTellsAProfileFromADirectory(t *testing.T) {
	s := NewStore(t.TempDir())
	if h, err := s.Get(Default()); err != nil || h.Dir != s.Root() {
		t.Errorf("default: %v, %v", h, err)
	}
	n, err := NewName("coder")
	if err != nil {
		t.Fatal(err)
	}
	var missing *NotFoundError
	if _, err := s.Get(n); !errors.As(err, &missing) || !strings.HasPrefix(err.Error(), "no such profile 'coder': ") {
		t.Errorf("no directory: %v", err)
	}
	if err := os.MkdirAll(s.Home(n).Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(n); !errors.As(err, &missing) {
		t.Errorf("no SOUL.md: %v", err)
	}
	if err := os.WriteFile(s.Home(n).Soul(), []byte("I am"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(n); err != nil {
		t.Error(err)
	}
}

func TestTheLogsOfEveryProfileLieInTheRootHome(t *testing.T) {
	n, err := NewName("coder")
	if err != nil {
		t.Fatal(err)
	}
	s := NewStore("/h")
	if got := filepath.ToSlash(s.Home(n).LogDir()); got != "/h/logs/gateways/coder" {
		t.Error(got)
	}
	if got := filepath.ToSlash(s.Home(Default()).LogDir()); got != "/h/logs/gateways/default" {
		t.Error(got)
	}
}

func TestProfilesDefaultIsNeverUsedAndAlwaysReported(t *testing.T) {
	for _, soul := range []bool{false, true} {
		s := NewStore(t.TempDir())
		dir := filepath.Join(s.Root(), "profiles", "default")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if soul {
			if err := os.WriteFile(filepath.Join(dir, "SOUL.md"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		entries, err := s.List()
		if err != nil || len(entries) != 2 || entries[0].Err != nil || entries[1].Label != "default" ||
			entries[1].Err == nil || !strings.Contains(entries[1].Err.Error(), "is never used: the home of profile 'default' is "+s.Root()) {
			t.Errorf("SOUL.md %v: %+v, %v", soul, entries, err)
		}
	}
}
