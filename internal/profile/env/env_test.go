package env

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hermes/internal/profile"
	"hermes/internal/profile/profiletest"
)

func TestEnvIsReadAsPeopleWriteIt(t *testing.T) {
	h := profiletest.Home(t)
	if e, err := Load(h); err != nil || len(e) != 0 {
		t.Errorf("no file: %v, %v", e, err)
	}
	text := "# comment\nA=1\nexport B=two words\nC='sin$gle'\nD=\"dou\\nble\"\n\nE=\nF=x # note\r\n"
	if err := os.WriteFile(h.Env(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := Load(h)
	want := Vars{"A": "1", "B": "two words", "C": "sin$gle", "D": "dou\nble", "E": "", "F": "x"}
	if err != nil || !maps.Equal(e, want) {
		t.Errorf("got %q, %v", e, err)
	}
}

func TestAnEnvErrorNamesFileAndLineAndNoSecret(t *testing.T) {
	h := profiletest.Home(t)
	for text, line := range map[string]string{
		"A=1\nsk-5ecret\n":          ":2: ",
		"A=1\nsk-5ecret":            ":2: ",
		"sk5ecret":                  ":1: ",
		"A=1\n\n# x\nB!=5ecret\n":   ":4: ",
		"A=\"5ecret\n":              ":1: ",
		"A=1\nB='5ecret unfinished": ":2: ",
	} {
		if err := os.WriteFile(h.Env(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(h)
		var wrong *profile.ConfigError
		if !errors.As(err, &wrong) || err.Error() != h.Env()+line+"want lines of the form NAME=value" {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func FuzzParseEnv(f *testing.F) {
	for _, s := range []string{"A=1", "A", "=", "A='", "A=\"", "A=$", "A=${", "A=${B}", "export", "export A=1", "#", "A: 1", "\x00", "A=\"\\", "A=#", "A= #x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parseEnv(data) // a panic fails the test
		if _, nameless := e[""]; err == nil && nameless && !strings.Contains(string(data), "=") && !strings.Contains(string(data), ":") {
			t.Errorf("%q: a value without a name", data)
		}
	})
}

func TestAProvidersKeyIsTheProfilesFirst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		own       Vars
		container func(string) string
		want      string
	}{
		"the profile's":           {Vars{"K": "own"}, profiletest.Getenv("K=container"), "own"},
		"the container's":         {Vars{}, profiletest.Getenv("K=container"), "container"},
		"in a file":               {Vars{}, profiletest.Getenv("K_FILE=" + file), "from a file"},
		"the profile's is enough": {Vars{"K": "own"}, profiletest.Getenv("K_FILE=/none"), "own"},
		"no file that .env names": {Vars{"K_FILE": file}, profiletest.Getenv(), ""},
	} {
		if got, err := c.own.Secret("K", c.container); err != nil || got != c.want {
			t.Errorf("%s: %q %v", what, got, err)
		}
	}
	var wrong *profile.ConfigError
	if _, err := (Vars{}).Secret("K", profiletest.Getenv("K=a", "K_FILE="+file)); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "both K and K_FILE are set") {
		t.Error(err)
	}
}
