package profile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
	if _, err := s.Seed(n); err != nil {
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

func TestSeedMakesAHomeAndKeepsWhatExists(t *testing.T) {
	s := NewStore(filepath.Join(t.TempDir(), "new", "root"))
	h, err := s.Seed(Default())
	if err != nil {
		t.Fatal(err)
	}
	first, err := LoadEnv(h)
	if err != nil || !strings.HasPrefix(first["API_SERVER_KEY"], "hk-") || len(first["API_SERVER_KEY"]) < 32 {
		t.Fatalf("key %v, %v", first, err)
	}
	if err := os.WriteFile(h.Soul(), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(h.Env())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Seed(Default()); err != nil {
		t.Fatal(err)
	}
	after, _ := os.ReadFile(h.Env())
	soul, _ := os.ReadFile(h.Soul())
	if string(after) != string(before) || string(soul) != "mine" {
		t.Errorf("a second Seed changed something: %q %q", after, soul)
	}
	other, err := NewStore(t.TempDir()).Seed(Default())
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := LoadEnv(other); e["API_SERVER_KEY"] == first["API_SERVER_KEY"] {
		t.Error("two profiles got the same key")
	}
}

func TestSeedAddsAMissingKeyAndKeepsTheRest(t *testing.T) {
	h := home(t)
	if err := os.WriteFile(h.Env(), []byte("# mine\nOTHER=x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := NewStore(h.Root).Seed(Default()); err != nil {
		t.Fatal(err)
	}
	e, err := LoadEnv(h)
	if err != nil || e["OTHER"] != "x" || e["API_SERVER_KEY"] == "" {
		t.Errorf("got %v, %v", e, err)
	}
	if data, _ := os.ReadFile(h.Env()); !strings.HasPrefix(string(data), "# mine\nOTHER=x\nAPI_SERVER_KEY=") {
		t.Errorf("got %q", data)
	}
}

func TestSeedLeavesAWrongEnvToItsOwner(t *testing.T) {
	h := home(t)
	wrong := "API_SERVER_KEY='open\n"
	if err := os.WriteFile(h.Env(), []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewStore(h.Root).Seed(Default()); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(h.Env()); string(data) != wrong {
		t.Errorf("got %q", data)
	}
}
