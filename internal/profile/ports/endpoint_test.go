package ports

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/env"
	"hermes/internal/profile/profiletest"
)

func TestAPISettingsPrecedence(t *testing.T) {
	coder, err := profile.NewName("coder")
	if err != nil {
		t.Fatal(err)
	}
	container := profiletest.Getenv("API_SERVER_HOST=0.0.0.0", "API_SERVER_PORT=1111", "API_SERVER_KEY=container")
	none := profiletest.Getenv()
	file := env.Vars{"API_SERVER_HOST": "127.0.0.2", "API_SERVER_PORT": "2222", "API_SERVER_KEY": "file"}
	key := env.Vars{"API_SERVER_KEY": "file"}
	yaml := config.Config{APIServer: config.APIServer{Host: "127.0.0.3", Port: 3333}}
	for what, c := range map[string]struct {
		name      profile.Name
		config    config.Config
		env       env.Vars
		container func(string) string
		want      Endpoint
	}{
		"default, nothing said":             {profile.Default(), config.Config{}, key, none, Endpoint{"127.0.0.1", 8642, "file"}},
		"default, config.yaml":              {profile.Default(), yaml, key, none, Endpoint{"127.0.0.3", 3333, "file"}},
		"default, .env over config.yaml":    {profile.Default(), yaml, file, none, Endpoint{"127.0.0.2", 2222, "file"}},
		"default, container over all":       {profile.Default(), yaml, file, container, Endpoint{"0.0.0.0", 1111, "container"}},
		"default, empty variables are none": {profile.Default(), yaml, file, profiletest.Getenv("API_SERVER_PORT=", "API_SERVER_KEY=", "API_SERVER_HOST="), Endpoint{"127.0.0.2", 2222, "file"}},
		"named, nothing said":               {coder, config.Config{}, key, none, Endpoint{"127.0.0.1", Derived(coder), "file"}},
		"named, container does not reach":   {coder, config.Config{}, key, container, Endpoint{"127.0.0.1", Derived(coder), "file"}},
		"named, config.yaml":                {coder, yaml, key, container, Endpoint{"127.0.0.3", 3333, "file"}},
		"brackets":                          {coder, yaml, env.Vars{"API_SERVER_HOST": "[::1]", "API_SERVER_PORT": "2222", "API_SERVER_KEY": "file"}, none, Endpoint{"::1", 2222, "file"}},
		"named, .env":                       {coder, yaml, file, container, Endpoint{"127.0.0.2", 2222, "file"}},
	} {
		got, err := Resolve(profile.Home{Name: c.name, Dir: "/h"}, c.config, c.env, c.container)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v; want %+v", what, got, err, c.want)
		}
	}
}

func TestAWrongPortOrAMissingKeyIsNamedWithItsSource(t *testing.T) {
	coder, err := profile.NewName("coder")
	if err != nil {
		t.Fatal(err)
	}
	h := profile.Home{Name: profile.Default(), Dir: "/h"}
	for _, port := range []string{"0", "65536", "x", "-1", " 1", "1.5"} {
		_, err := Resolve(h, config.Config{}, env.Vars{"API_SERVER_KEY": "k", "API_SERVER_PORT": port}, profiletest.Getenv())
		if err == nil || err.Error() != "/h/.env: API_SERVER_PORT: want a number from 1 to 65535" {
			t.Errorf("%q: %v", port, err)
		}
		_, err = Resolve(h, config.Config{}, env.Vars{"API_SERVER_KEY": "k"}, profiletest.Getenv("API_SERVER_PORT="+port))
		if err == nil || err.Error() != "the environment: API_SERVER_PORT: want a number from 1 to 65535" {
			t.Errorf("%q: %v", port, err)
		}
	}
	// The key in the container's environment does not count for a named profile.
	_, err = Resolve(profile.Home{Name: coder, Dir: "/c"}, config.Config{}, env.Vars{}, profiletest.Getenv("API_SERVER_KEY=k"))
	if err == nil || !strings.HasPrefix(err.Error(), "/c/.env: API_SERVER_KEY: missing") {
		t.Errorf("got %v", err)
	}
}

// TestAServerIsReachedWhereItListens, even if it listens on all addresses, in every way to write that.
func TestAServerIsReachedWhereItListens(t *testing.T) {
	for host, want := range map[string][2]string{
		"127.0.0.1": {"127.0.0.1:9300", "127.0.0.1:9300"},
		"0.0.0.0":   {"0.0.0.0:9300", "127.0.0.1:9300"},
		"::":        {"[::]:9300", "127.0.0.1:9300"},
		"::1":       {"[::1]:9300", "[::1]:9300"},
		"10.0.0.7":  {"10.0.0.7:9300", "10.0.0.7:9300"},
		"localhost": {"localhost:9300", "localhost:9300"},
	} {
		e := Endpoint{Host: host, Port: 9300}
		if e.Listen() != want[0] || e.Dial() != want[1] {
			t.Errorf("%s: %s %s; want %s", host, e.Listen(), e.Dial(), want)
		}
	}
	e := Endpoint{Host: "::"}
	ln, err := net.Listen("tcp", e.Listen())
	if err != nil {
		t.Skip(err) // this machine has no IPv6
	}
	defer ln.Close()
	e.Port = ln.Addr().(*net.TCPAddr).Port
	conn, err := net.Dial("tcp", e.Dial())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// TestTheEndpointIsWhatTheFilesSay: EndpointOf returns all of it, or the first error in the files.
func TestTheEndpointIsWhatTheFilesSay(t *testing.T) {
	h := profiletest.Home(t)
	profiletest.Put(t, h.Config(), "api_server:\n  host: 0.0.0.0\n  port: 9301\n")
	profiletest.Put(t, h.Env(), "API_SERVER_KEY=k\n")
	if e, err := EndpointOf(h, profiletest.Getenv()); err != nil || e != (Endpoint{"0.0.0.0", 9301, "k"}) {
		t.Error(e, err)
	}
	var wrong *profile.ConfigError
	profiletest.Put(t, h.Env(), "nonsense\n")
	if _, err := EndpointOf(h, profiletest.Getenv()); !errors.As(err, &wrong) || wrong.File != h.Env() {
		t.Error(err)
	}
	profiletest.Put(t, h.Config(), "nonsense: 1\n")
	if _, err := EndpointOf(h, profiletest.Getenv()); !errors.As(err, &wrong) || wrong.File != h.Config() {
		t.Error(err)
	}
}

// TestAKeyMayBeInAFile that the container's environment names, for the default profile.
func TestAKeyMayBeInAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	profiletest.Put(t, file, "from a file\n")
	var wrong *profile.ConfigError
	h := profile.Home{Name: profile.Default(), Dir: "/h"}
	if s, err := Resolve(h, config.Config{}, env.Vars{"API_SERVER_KEY": "own"}, profiletest.Getenv("API_SERVER_KEY_FILE="+file)); err != nil || s.Key != "from a file" {
		t.Error(s, err)
	}
	if _, err := Resolve(h, config.Config{}, env.Vars{"API_SERVER_KEY": "own"}, profiletest.Getenv("API_SERVER_KEY_FILE=/none/key")); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "/none/key") {
		t.Error(err)
	}
	coder, err := profile.NewName("coder")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Resolve(profile.Home{Name: coder, Dir: "/c"}, config.Config{}, env.Vars{"API_SERVER_KEY": "own"}, profiletest.Getenv("API_SERVER_KEY_FILE="+file)); err != nil || s.Key != "own" {
		t.Error(s, err)
	}
}

// TestFilesOfWindowsAreRead, with the byte order mark that Notepad writes and with Windows line ends.
func TestFilesOfWindowsAreRead(t *testing.T) {
	h := profiletest.Home(t)
	const text = "\ufeffAPI_SERVER_KEY=\"abcdef-0123456789-abcdef\"\r\nOPENAI_API_KEY=sk-none\r\n"
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(h.Env(), text)
	write(h.Config(), "\ufeffmodel:\r\n  provider: echo\r\n")
	e, err := env.Load(h)
	if err != nil || e["API_SERVER_KEY"] != "abcdef-0123456789-abcdef" || e["OPENAI_API_KEY"] != "sk-none" || len(e) != 2 {
		t.Errorf("%q %v", e, err)
	}
	if c, err := config.Load(h); err != nil || c.Model.Provider != "echo" {
		t.Errorf("%+v %v", c, err)
	}
	// What is added to such a file later is read too.
	if err := writePort(t.Context(), h, 9300); err != nil {
		t.Fatal(err)
	}
	if err := env.Set(t.Context(), h, "API_SERVER_KEY", "another-0123456789"); err != nil {
		t.Fatal(err)
	}
	e, err = env.Load(h)
	if err != nil || e["API_SERVER_PORT"] != "9300" || e["API_SERVER_KEY"] != "another-0123456789" || len(e) != 3 {
		t.Errorf("%q %v", e, err)
	}
	if data, err := os.ReadFile(h.Env()); err != nil || strings.Count(string(data), "API_SERVER_KEY") != 1 {
		t.Errorf("%q %v", data, err)
	}
	write(h.Env(), text)
	if err := env.Remove(t.Context(), h, "API_SERVER_KEY"); err != nil {
		t.Error(err)
	}
	if e, err = env.Load(h); err != nil || len(e) != 1 {
		t.Errorf("%q %v", e, err)
	}
	// A secret on the first line, after the mark, is hidden like any other.
	write(h.Config(), "\ufefftoken: sk-5ecret\r\nmodel: {name: m}\r\n")
	if f, err := config.Read(h); err != nil || strings.Contains(f.Text, "5ecret") || strings.Contains(f.Text, "\ufeff") || !strings.Contains(f.Text, "token: ") {
		t.Errorf("%q %v", f.Text, err)
	}
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		write(h.Env(), mark+"A\x00")
		write(h.Config(), mark+"m\x00")
		if _, err := env.Load(h); err == nil || err.Error() != h.Env()+":1: it is UTF-16: save it as UTF-8" {
			t.Error(err)
		}
		if _, err := config.Load(h); err == nil || err.Error() != h.Config()+":1: it is UTF-16: save it as UTF-8" {
			t.Error(err)
		}
	}
}
