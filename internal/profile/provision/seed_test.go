package provision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hermes/internal/profile"
	"hermes/internal/profile/env"
	"hermes/internal/profile/profiletest"
)

func TestSeedMakesAHomeAndKeepsWhatExists(t *testing.T) {
	s := profile.NewStore(filepath.Join(t.TempDir(), "new", "root"))
	h, err := Seed(t.Context(), s, profile.Default())
	if err != nil {
		t.Fatal(err)
	}
	first, err := env.Load(h)
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
	if _, err := Seed(t.Context(), s, profile.Default()); err != nil {
		t.Fatal(err)
	}
	after, _ := os.ReadFile(h.Env())
	soul, _ := os.ReadFile(h.Soul())
	if string(after) != string(before) || string(soul) != "mine" {
		t.Errorf("a second Seed changed something: %q %q", after, soul)
	}
	other, err := Seed(t.Context(), profile.NewStore(t.TempDir()), profile.Default())
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := env.Load(other); e["API_SERVER_KEY"] == first["API_SERVER_KEY"] {
		t.Error("two profiles got the same key")
	}
}

func TestSeedAddsAMissingKeyAndKeepsTheRest(t *testing.T) {
	h := profiletest.Home(t)
	if err := os.WriteFile(h.Env(), []byte("# mine\nOTHER=x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Seed(t.Context(), profile.NewStore(h.Root), profile.Default()); err != nil {
		t.Fatal(err)
	}
	e, err := env.Load(h)
	if err != nil || e["OTHER"] != "x" || e["API_SERVER_KEY"] == "" {
		t.Errorf("got %v, %v", e, err)
	}
	if data, _ := os.ReadFile(h.Env()); !strings.HasPrefix(string(data), "# mine\nOTHER=x\nAPI_SERVER_KEY=") {
		t.Errorf("got %q", data)
	}
}

func TestSeedLeavesAWrongEnvToItsOwner(t *testing.T) {
	h := profiletest.Home(t)
	wrong := "API_SERVER_KEY='open\n"
	if err := os.WriteFile(h.Env(), []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Seed(t.Context(), profile.NewStore(h.Root), profile.Default()); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(h.Env()); string(data) != wrong {
		t.Errorf("got %q", data)
	}
}
