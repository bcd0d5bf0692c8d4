package profile

import (
	"errors"
	"maps"
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
		"brackets":                          {coder, yaml, Env{"API_SERVER_HOST": "[::1]", "API_SERVER_PORT": "2222", "API_SERVER_KEY": "file"}, none, Settings{"::1", 2222, "file"}},
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
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		own       Env
		container func(string) string
		want      string
	}{
		"the profile's":           {Env{"K": "own"}, env("K=container"), "own"},
		"the container's":         {Env{}, env("K=container"), "container"},
		"in a file":               {Env{}, env("K_FILE=" + file), "from a file"},
		"the profile's is enough": {Env{"K": "own"}, env("K_FILE=/none"), "own"},
		"no file that .env names": {Env{"K_FILE": file}, env(), ""},
	} {
		if got, err := c.own.Secret("K", c.container); err != nil || got != c.want {
			t.Errorf("%s: %q %v", what, got, err)
		}
	}
	var wrong *ConfigError
	if _, err := (Env{}).Secret("K", env("K=a", "K_FILE="+file)); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "both K and K_FILE are set") {
		t.Error(err)
	}
	h := Home{Name: Default(), Dir: "/h"}
	if s, err := APISettings(h, Config{}, Env{"API_SERVER_KEY": "own"}, env("API_SERVER_KEY_FILE="+file)); err != nil || s.Key != "from a file" {
		t.Error(s, err)
	}
	if _, err := APISettings(h, Config{}, Env{"API_SERVER_KEY": "own"}, env("API_SERVER_KEY_FILE=/none/key")); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "/none/key") {
		t.Error(err)
	}
	coder, err := NewName("coder")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := APISettings(Home{Name: coder, Dir: "/c"}, Config{}, Env{"API_SERVER_KEY": "own"}, env("API_SERVER_KEY_FILE="+file)); err != nil || s.Key != "own" {
		t.Error(s, err)
	}
}

// TestFilesOfWindowsAreRead: with the mark that Notepad puts before a text, and its line ends.
func TestFilesOfWindowsAreRead(t *testing.T) {
	h := home(t)
	const text = "\ufeffAPI_SERVER_KEY=\"abcdef-0123456789-abcdef\"\r\nOPENAI_API_KEY=sk-none\r\n"
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(h.Env(), text)
	write(h.Config(), "\ufeffmodel:\r\n  provider: echo\r\n")
	e, err := LoadEnv(h)
	if err != nil || e["API_SERVER_KEY"] != "abcdef-0123456789-abcdef" || e["OPENAI_API_KEY"] != "sk-none" || len(e) != 2 {
		t.Errorf("%q %v", e, err)
	}
	if c, err := LoadConfig(h); err != nil || c.Model.Provider != "echo" {
		t.Errorf("%+v %v", c, err)
	}
	// What is written into them later is read too.
	if err := writePort(h, 9300); err != nil {
		t.Fatal(err)
	}
	if err := h.SetVariable(t.Context(), "API_SERVER_KEY", "another-0123456789"); err != nil {
		t.Fatal(err)
	}
	e, err = LoadEnv(h)
	if err != nil || e["API_SERVER_PORT"] != "9300" || e["API_SERVER_KEY"] != "another-0123456789" || len(e) != 3 {
		t.Errorf("%q %v", e, err)
	}
	if data, err := os.ReadFile(h.Env()); err != nil || strings.Count(string(data), "API_SERVER_KEY") != 1 {
		t.Errorf("%q %v", data, err)
	}
	write(h.Env(), text)
	if err := h.RemoveVariable(t.Context(), "API_SERVER_KEY"); err != nil {
		t.Error(err)
	}
	if e, err = LoadEnv(h); err != nil || len(e) != 1 {
		t.Errorf("%q %v", e, err)
	}
	// A secret on the first line is hidden like any other.
	write(h.Config(), "\ufefftoken: sk-5ecret\r\nmodel: {name: m}\r\n")
	if f, err := h.ReadConfig(); err != nil || strings.Contains(f.Text, "5ecret") || strings.Contains(f.Text, "\ufeff") || !strings.Contains(f.Text, "token: ") {
		t.Errorf("%q %v", f.Text, err)
	}
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		write(h.Env(), mark+"A\x00")
		write(h.Config(), mark+"m\x00")
		if _, err := LoadEnv(h); err == nil || err.Error() != h.Env()+":1: it is UTF-16: save it as UTF-8" {
			t.Error(err)
		}
		if _, err := LoadConfig(h); err == nil || err.Error() != h.Config()+":1: it is UTF-16: save it as UTF-8" {
			t.Error(err)
		}
	}
}
