// Package env is .env, a profile's secrets and other variables, and hermes.env, which has what this program makes where .env is
// another program's. All that is written into them is written here.
package env

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/joho/godotenv"

	"hermes/internal/environment"
	"hermes/internal/profile"
)

// The variables that say where the API server of a profile's gateway listens, and what it asks for.
const (
	Host = "API_SERVER_HOST"
	Port = "API_SERVER_PORT"
	Key  = "API_SERVER_KEY"
)

// Vars are the variables of a profile.
type Vars map[string]string

// Load reads .env, and from hermes.env the variables that are missing there; no file has none. Errors are
// *profile.ConfigError and never show a value.
func Load(h profile.Home) (Vars, error) {
	vars, err := loadFile(h, profile.EnvName)
	if err != nil {
		return nil, err
	}
	own, err := loadFile(h, profile.OwnEnvName)
	if err != nil {
		return nil, err
	}
	for name, v := range own {
		if vars[name] == "" {
			vars[name] = v
		}
	}
	return vars, nil
}

// Origin returns the path of the file from which a variable comes that Load found.
func Origin(h profile.Home, name string) string {
	if vars, err := loadFile(h, profile.EnvName); err == nil && vars[name] == "" {
		return h.OwnEnv()
	}
	return h.Env()
}

func loadFile(h profile.Home, name string) (Vars, error) {
	data, err := h.Files().ReadFile(name, profile.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Vars{}, nil
	}
	file := h.Files().Path(name)
	if err != nil {
		return nil, profile.CannotRead(file, err)
	}
	if data, err = profile.PlainText(file, data); err != nil {
		return nil, err
	}
	vars, err := parseEnv(data)
	if err != nil {
		// The library quotes what it could not read, which may be half a secret.
		return nil, &profile.ConfigError{File: file, Line: badEnvLine(string(data)), Msg: "want lines of the form NAME=value"}
	}
	return vars, nil
}

// parseEnv turns the library's panics into errors: .env is written by people.
func parseEnv(data []byte) (vars Vars, err error) {
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

// Secret returns a provider's key: the profile's .env first, then the environment, which may also name a file. An .env
// names none: it comes with archives, and a key is sent to whom the archive says. Errors are *profile.ConfigError.
func (v Vars) Secret(name string, getenv func(string) string) (string, error) {
	if value := v[name]; value != "" {
		return value, nil
	}
	value, err := environment.Secret(getenv, name)
	if err != nil {
		return "", &profile.ConfigError{File: "the environment", Msg: err.Error()}
	}
	return value, nil
}

// newKey returns a key of 192 random bits for a profile's API server.
func newKey() string {
	b := make([]byte, 24)
	rand.Read(b) // never fails: crypto/rand
	return "hk-" + base64.RawURLEncoding.EncodeToString(b)
}
