package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/joho/godotenv"

	"hermes/internal/environment"
)

// Env is the content of a profile's .env.
type Env map[string]string

// LoadEnv reads .env, and from hermes.env the variables that are missing there; no file is an empty Env. Errors are
// *ConfigError and never show a value.
func LoadEnv(h Home) (Env, error) {
	env, err := loadEnv(h, EnvName)
	if err != nil {
		return nil, err
	}
	own, err := loadEnv(h, OwnEnvName)
	if err != nil {
		return nil, err
	}
	for name, v := range own {
		if env[name] == "" {
			env[name] = v
		}
	}
	return env, nil
}

func loadEnv(h Home, name string) (Env, error) {
	data, err := h.Files().ReadFile(name, maxConfigFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Env{}, nil
	}
	file := h.Files().Path(name)
	if err != nil {
		return nil, &ConfigError{File: file, Msg: reason(err, file)}
	}
	if data, err = plainText(file, data); err != nil {
		return nil, err
	}
	env, err := parseEnv(data)
	if err != nil {
		// The library quotes what it could not read, which may be half a secret.
		return nil, &ConfigError{File: file, Line: badEnvLine(string(data)), Msg: "want lines of the form NAME=value"}
	}
	return env, nil
}

// parseEnv turns the library's panics into errors: .env is written by people.
func parseEnv(data []byte) (env Env, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot parse: %v", r)
		}
	}()
	// A last line without its end would pass for a variable without a name.
	return godotenv.UnmarshalBytes(append(bytes.Clone(data), '\n'))
}

// badEnvLine returns the first line that does not parse by itself, or 0.
func badEnvLine(text string) int {
	for i, line := range strings.Split(text, "\n") {
		if _, err := parseEnv([]byte(line)); err != nil {
			return i + 1
		}
	}
	return 0
}

// Settings is what the API server of a profile's gateway listens on and asks for.
type Settings struct {
	Host string
	Port int
	Key  string // secret
}

// DefaultAPIHost is where the API server listens unless told otherwise (contract "Ports").
const DefaultAPIHost = "127.0.0.1"

// APISettings resolves where a profile's API server listens (contract "Ports"). The
// container's API_SERVER_* variables reach the default profile only, and there they win;
// then the profile's .env, then its config.yaml, then the derived port.
func APISettings(h Home, c Config, env Env, getenv func(string) string) (Settings, error) {
	lookup := func(name string) (value, source string) {
		if v := getenv(name); v != "" && h.Name.IsDefault() {
			return v, "the environment"
		}
		return env[name], h.Env()
	}
	s := Settings{Host: DefaultAPIHost, Port: DerivedPort(h.Name)}
	if c.APIServer.Host != "" {
		s.Host = c.APIServer.Host
	}
	if c.APIServer.Port != 0 {
		s.Port = c.APIServer.Port
	}
	if v, _ := lookup("API_SERVER_HOST"); v != "" {
		s.Host = v
	}
	if inner, ok := strings.CutPrefix(s.Host, "["); ok { // as in a URL (RFC 3986, 3.2.2)
		s.Host = strings.TrimSuffix(inner, "]")
	}
	if v, source := lookup("API_SERVER_PORT"); v != "" {
		port, err := strconv.Atoi(v)
		if err != nil || port < 1 || port > 65535 {
			return s, &ConfigError{File: source, Key: "API_SERVER_PORT", Msg: "want a number from 1 to 65535"}
		}
		s.Port = port
	}
	if h.Name.IsDefault() {
		var err error
		if s.Key, err = environment.Secret(getenv, "API_SERVER_KEY"); err != nil {
			return s, &ConfigError{File: "the environment", Msg: err.Error()}
		}
	}
	if s.Key == "" {
		s.Key = env["API_SERVER_KEY"]
	}
	if s.Key == "" {
		return s, &ConfigError{File: h.Env(), Key: "API_SERVER_KEY", Msg: "missing: add a line API_SERVER_KEY=<a long random text>"}
	}
	return s, nil
}

// Secret returns a provider's key: the profile's .env first, then the environment, which may also name a file. An .env
// names none: it comes with archives, and a key is sent to whom the archive says. Errors are *ConfigError.
func (e Env) Secret(name string, getenv func(string) string) (string, error) {
	if v := e[name]; v != "" {
		return v, nil
	}
	v, err := environment.Secret(getenv, name)
	if err != nil {
		return "", &ConfigError{File: "the environment", Msg: err.Error()}
	}
	return v, nil
}
