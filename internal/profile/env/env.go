// Package env reads and writes .env, which holds a profile's secrets and other variables, and hermes.env, which holds what this
// program generates if .env belongs to another program. Nothing else writes these files.
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

// The variables that say where the API server of a profile's gateway listens, and which key it asks for.
const (
	Host = "API_SERVER_HOST"
	Port = "API_SERVER_PORT"
	Key  = "API_SERVER_KEY"
)

// Vars are the variables of a profile, by name.
type Vars map[string]string

// Load reads .env, and takes the variables that .env lacks from hermes.env. A file that does not exist has no variables. Errors are
// *profile.ConfigError and never contain a value.
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

// Origin returns the path of the file from which Load took a variable.
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
		// The library's error quotes what it could not read, which may be a part of a secret, so it is not shown.
		return nil, &profile.ConfigError{File: file, Line: badEnvLine(string(data)), Msg: "want lines of the form NAME=value"}
	}
	return vars, nil
}

// parseEnv turns a panic of the library into an error, because people write .env by hand.
func parseEnv(data []byte) (vars Vars, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot parse: %v", r)
		}
	}()
	// The library takes a last line without a newline for a variable without a name.
	return godotenv.UnmarshalBytes(append(bytes.Clone(data), '\n'))
}

// badEnvLine returns the first line that cannot be parsed by itself, or 0.
func badEnvLine(text string) int {
	for i, line := range strings.Split(text, "\n") {
		if _, err := parseEnv([]byte(line)); err != nil {
			return i + 1
		}
	}
	return 0
}

// Secret returns a provider's key from the profile's .env or otherwise from the environment, which may also name a file. .env may
// not name a file: an imported archive brings its .env and says to which server the key is sent, so it could send any file there.
// Errors are *profile.ConfigError.
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
	rand.Read(b) // crypto/rand.Read never fails
	return "hk-" + base64.RawURLEncoding.EncodeToString(b)
}
