package profile

import (
	"errors"
	"maps"
	"os"
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

func TestEnvIsReadAsPeopleWriteIt(t *testing.T) {
	h := home(t)
	if e, err := LoadEnv(h); err != nil || len(e) != 0 {
		t.Errorf("no file: %v, %v", e, err)
	}
	text := "# comment\nA=1\nexport B=two words\nC='sin$gle'\nD=\"dou\\nble\"\n\nE=\nF=x # note\r\n"
	if err := os.WriteFile(h.Env(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := LoadEnv(h)
	want := Env{"A": "1", "B": "two words", "C": "sin$gle", "D": "dou\nble", "E": "", "F": "x"}
	if err != nil || !maps.Equal(e, want) {
		t.Errorf("got %q, %v", e, err)
	}
}

func TestAnEnvErrorNamesFileAndLineAndNoSecret(t *testing.T) {
	h := home(t)
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
		_, err := LoadEnv(h)
		var wrong *ConfigError
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
		e, err := parseEnv(data) // a panic fails
		if _, nameless := e[""]; err == nil && nameless && !strings.Contains(string(data), "=") && !strings.Contains(string(data), ":") {
			t.Errorf("%q: a value without a name", data)
		}
	})
}

func TestAPISettingsPrecedence(t *testing.T) {
	coder, err := NewName("coder")
	if err != nil {
		t.Fatal(err)
	}
	container := env("API_SERVER_HOST=0.0.0.0", "API_SERVER_PORT=1111", "API_SERVER_KEY=container")
	none := env()
	file := Env{"API_SERVER_HOST": "127.0.0.2", "API_SERVER_PORT": "2222", "API_SERVER_KEY": "file"}
	key := Env{"API_SERVER_KEY": "file"}
	yaml := Config{APIServer: APIServerConfig{Host: "127.0.0.3", Port: 3333}}
	for what, c := range map[string]struct {
		name      Name
		config    Config
		env       Env
		container func(string) string
		want      Settings
	}{
		"default, nothing said":             {Default(), Config{}, key, none, Settings{"127.0.0.1", 8642, "file"}},
		"default, config.yaml":              {Default(), yaml, key, none, Settings{"127.0.0.3", 3333, "file"}},
		"default, .env over config.yaml":    {Default(), yaml, file, none, Settings{"127.0.0.2", 2222, "file"}},
		"default, container over all":       {Default(), yaml, file, container, Settings{"0.0.0.0", 1111, "container"}},
		"default, empty variables are none": {Default(), yaml, file, env("API_SERVER_PORT=", "API_SERVER_KEY=", "API_SERVER_HOST="), Settings{"127.0.0.2", 2222, "file"}},
		"named, nothing said":               {coder, Config{}, key, none, Settings{"127.0.0.1", DerivedPort(coder), "file"}},
		"named, container does not reach":   {coder, Config{}, key, container, Settings{"127.0.0.1", DerivedPort(coder), "file"}},
		"named, config.yaml":                {coder, yaml, key, container, Settings{"127.0.0.3", 3333, "file"}},
		"named, .env":                       {coder, yaml, file, container, Settings{"127.0.0.2", 2222, "file"}},
	} {
		got, err := APISettings(Home{Name: c.name, Dir: "/h"}, c.config, c.env, c.container)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v; want %+v", what, got, err, c.want)
		}
	}
}

func TestAWrongPortOrAMissingKeyIsNamedWithItsSource(t *testing.T) {
	coder, err := NewName("coder")
	if err != nil {
		t.Fatal(err)
	}
	h := Home{Name: Default(), Dir: "/h"}
	for _, port := range []string{"0", "65536", "x", "-1", " 1", "1.5"} {
		_, err := APISettings(h, Config{}, Env{"API_SERVER_KEY": "k", "API_SERVER_PORT": port}, env())
		if err == nil || err.Error() != "/h/.env: API_SERVER_PORT: want a number from 1 to 65535" {
			t.Errorf("%q: %v", port, err)
		}
		_, err = APISettings(h, Config{}, Env{"API_SERVER_KEY": "k"}, env("API_SERVER_PORT="+port))
		if err == nil || err.Error() != "the environment: API_SERVER_PORT: want a number from 1 to 65535" {
			t.Errorf("%q: %v", port, err)
		}
	}
	// The container's key is not a named profile's.
	_, err = APISettings(Home{Name: coder, Dir: "/c"}, Config{}, Env{}, env("API_SERVER_KEY=k"))
	if err == nil || !strings.HasPrefix(err.Error(), "/c/.env: API_SERVER_KEY: missing") {
		t.Errorf("got %v", err)
	}
}

func TestAProvidersKeyIsTheProfilesFirst(t *testing.T) {
	if got := (Env{"K": "own"}).Secret("K", env("K=container")); got != "own" {
		t.Error(got)
	}
	if got := (Env{}).Secret("K", env("K=container")); got != "container" {
		t.Error(got)
	}
}
