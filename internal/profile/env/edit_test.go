package env

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hermes/internal/profile"
	"hermes/internal/profile/profiletest"
)

func settingsHome(t testing.TB, config, env string) profile.Home {
	t.Helper()
	h := profile.Home{Name: profile.Default(), Dir: t.TempDir()}
	for path, text := range map[string]string{h.Config(): config, h.Env(): env} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestAVariableIsSetAndRemovedAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "value")
		before := rapid.SampledFrom([]string{"", "# mine\nA=1\n", "A=1\nexport NAME=old # why\nB='x y'\n", "NAME='a#b'\r\nA=1", "B=\"two\nlines\"\nNAME=x\n"}).Draw(t, "before")
		written, ok := quoteEnv(value)
		if !ok {
			return
		}
		had, err := parseEnv([]byte(before))
		if err != nil {
			t.Fatal(err)
		}
		after, err := setEnv("f", []byte(before), "NAME", value, written)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseEnv(after)
		if err != nil || got["NAME"] != value || strings.Count(string(after), "NAME") != 1 {
			t.Fatalf("%q became %q, %v", before, after, err)
		}
		for name, v := range had {
			if name != "NAME" && got[name] != v {
				t.Fatalf("%s is %q now", name, got[name])
			}
		}
		gone, err := removeEnv("f", after, "NAME")
		if err != nil || strings.Contains(string(gone), "NAME") {
			t.Fatalf("%q, %v", gone, err)
		}
	})
}

func TestAWrongVariableIsRefusedWithoutItsValue(t *testing.T) {
	h := settingsHome(t, "", "A=1\n")
	for name, value := range map[string]string{"A B": "5ecret", "": "5ecret", "1A": "5ecret", "A": "5ecret\nB=2", "B": "5ecret'\"", "C": "5ecret\x00"} {
		err := Set(t.Context(), h, name, value)
		if err == nil || strings.Contains(err.Error(), "5ecret") || profiletest.Read(t, h.Env()) != "A=1\n" {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := Remove(t.Context(), h, "B"); err == nil {
		t.Error("a variable that is not there was removed")
	}
	if err := Set(t.Context(), h, "B", "x y"); err != nil || profiletest.Read(t, h.Env()) != "A=1\nB='x y'\n" {
		t.Errorf("%v, %q", err, profiletest.Read(t, h.Env()))
	}
	if err := os.Remove(h.Env()); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(t.TempDir(), "x"), h.Env()); err != nil {
		t.Fatal(err)
	}
	if err := Set(t.Context(), h, "B", "1"); err == nil {
		t.Error("a link in the place of .env was followed")
	}
}

func TestSetEnvKeepsEverythingElse(t *testing.T) {
	for _, c := range []struct{ before, after string }{
		{"", "P=1\n"},
		{"A=2", "A=2\nP=1\n"},
		{"# c\nP=\nB=3\n", "# c\nP=1\nB=3\n"},
		{"P= # why\r\nB=3\r\n", "P=1 # why\r\nB=3\r\n"},
		{"export P=7\n", "P=1\n"},
		{"A='x\nP=5\ny'\n", "A='x\nP=5\ny'\nP=1\n"}, // a part of a value
		{"XP=4\n#P=3\n", "XP=4\n#P=3\nP=1\n"},
		{"P=5\nP=6\n", "P=1\nP=1\n"},
	} {
		got, err := setEnv("f", []byte(c.before), "P", "1", "1")
		if err != nil || string(got) != c.after {
			t.Errorf("%q became %q, %v; want %q", c.before, got, err, c.after)
		}
	}
	if _, err := setEnv("f", []byte("A=1\nnonsense\n"), "P", "1", "1"); err == nil {
		t.Error("accepted")
	}
}
