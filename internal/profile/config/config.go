// Package config is config.yaml: what may stand in it, what it means, and what is said of a file that is wrong.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hermes/internal/profile"
)

// Config is config.yaml. Every key is optional.
type Config struct {
	Model     Model     `yaml:"model"`
	APIServer APIServer `yaml:"api_server"`
	Gateway   Gateway   `yaml:"gateway"`
	Sessions  Sessions  `yaml:"sessions"`

	// Unused are the keys of a file that was written for hermes-agent, which has its config.yaml in the same place, that mean
	// nothing here, or have a value that cannot be used. In any other file such a key is an error.
	Unused []string `yaml:"-"`
}

// Model says who answers.
type Model struct {
	// Provider is "openai" (any OpenAI-compatible server) or "echo".
	Provider string `yaml:"provider"`
	// Name is the model's name at the provider.
	Name string `yaml:"name"`
	// BaseURL is the server's address up to and including /v1.
	BaseURL string `yaml:"base_url"`
	// APIKeyEnv names the variable, in .env or the environment, that holds the provider's key.
	APIKeyEnv string `yaml:"api_key_env"`
	// MaxRetries is how often a request is tried again after 429, 5xx or a broken connection.
	MaxRetries *int `yaml:"max_retries"`
}

// APIServer says where the gateway's HTTP API listens.
type APIServer struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
}

// Gateway says how the gateway lives.
type Gateway struct {
	// DrainTimeout is how long running turns may take to finish after SIGTERM, like 20s or 1m30s.
	DrainTimeout string `yaml:"drain_timeout"`
	// MaxFailures is how many failures within FailureWindow make the supervisor give up.
	MaxFailures int `yaml:"max_failures"`
	// FailureWindow is the time in which MaxFailures count, like 10m.
	FailureWindow string `yaml:"failure_window"`
}

// Sessions says what is kept of the profile's sessions. What is not kept is removed by the profile's gateway.
type Sessions struct {
	// MaxAge is how long after somebody last wrote to it a session is removed, like 90d, 12w or 2y; at least 1d.
	MaxAge string `yaml:"max_age"`
	// MaxMessages is how many messages of each session are kept, the newest; at least 100.
	MaxMessages int `yaml:"max_messages"`
}

// MinMaxMessages is the smallest sessions.max_messages: fewer would take from what a model is told of a session.
const MinMaxMessages = 100

// Age returns max_age, 0 for none. The text was checked when the file was loaded.
func (s Sessions) Age() time.Duration {
	if d, err := ParseAge(s.MaxAge); err == nil {
		return d
	}
	return 0
}

// ParseAge reads a time after which something is removed, in days, weeks or years of 365 days: 90d, 12w, 2y. It takes no smaller
// units: 3m is three minutes to some and three months to others.
func ParseAge(s string) (time.Duration, error) {
	const day = 24 * time.Hour
	for unit, d := range map[string]time.Duration{"d": day, "w": 7 * day, "y": 365 * day} {
		number, ok := strings.CutSuffix(s, unit)
		if n, err := strconv.ParseUint(number, 10, 32); ok && err == nil && n > 0 && time.Duration(n) <= 100*365*day/d {
			return time.Duration(n) * d, nil
		}
	}
	return 0, errors.New("want a number of days, weeks or years like 90d, 12w or 2y, from 1d to 100y")
}

// GiveUp returns max_failures and failure_window, or their defaults.
func (g Gateway) GiveUp() (failures int, window time.Duration) {
	failures, window = DefaultMaxFailures, DefaultFailureWindow
	if g.MaxFailures > 0 {
		failures = g.MaxFailures
	}
	if d, err := time.ParseDuration(g.FailureWindow); err == nil {
		window = d
	}
	return failures, window
}

// Drain returns drain_timeout, or its default. The text was checked when the file was loaded.
func (g Gateway) Drain() time.Duration {
	if d, err := time.ParseDuration(g.DrainTimeout); err == nil {
		return d
	}
	return DefaultDrainTimeout
}

const (
	// DefaultDrainTimeout is gateway.drain_timeout where the file says nothing.
	DefaultDrainTimeout = 20 * time.Second
	// MaxDrainTimeout keeps a stop from lasting for ever.
	MaxDrainTimeout = 15 * time.Minute
	// DefaultMaxFailures and DefaultFailureWindow say when the supervisor gives up (contract B2).
	DefaultMaxFailures   = 10
	DefaultFailureWindow = 10 * time.Minute
	// MaxFailuresLimit is as far as the supervisor's tally of failures is of use.
	MaxFailuresLimit = 1000
	// MaxFailureWindow is the longest failure_window.
	MaxFailureWindow = 24 * time.Hour
	// DefaultMaxRetries is model.max_retries where the file says nothing.
	DefaultMaxRetries = 3
	// DefaultOpenAIBaseURL is model.base_url of provider openai.
	DefaultOpenAIBaseURL = "https://api.openai.com/v1"
)

// Load reads config.yaml, or returns the defaults if there is none. Unknown keys,
// wrong types and values out of range are *profile.ConfigError, but in a file of hermes-agent's: see Config.Unused.
func Load(h profile.Home) (Config, error) {
	data, err := h.Files().ReadFile(profile.ConfigName, MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return parseConfig(h.Config(), nil)
	}
	if err != nil {
		return Config{}, profile.CannotRead(h.Config(), err)
	}
	return parseConfig(h.Config(), data)
}

// parseConfig reads the text of a config.yaml.
func parseConfig(file string, data []byte) (Config, error) {
	var c Config
	root, err := parseYAML(file, data)
	if err != nil {
		return Config{}, err
	}
	d := yamlDecoder{file: file}
	if isForeign(root) {
		d.skipped = c.unused
	}
	if root != nil {
		if err := d.decode(root, reflect.ValueOf(&c).Elem(), ""); err != nil {
			return Config{}, err
		}
	}
	for key, msg := c.check(); msg != ""; key, msg = c.check() {
		if d.skipped == nil {
			return Config{}, &profile.ConfigError{File: file, Line: lineOf(root, key), Key: key, Msg: msg}
		}
		c.leaveOut(key) // which is then without fault
	}
	c.setDefaults()
	return c, nil
}

// check returns the first key with a value that cannot be used, and what to write instead.
func (c *Config) check() (key, msg string) {
	providers := []string{"", "openai", "echo"}
	m := c.Model
	switch {
	case !slices.Contains(providers, m.Provider):
		return "model.provider", "unknown provider; use openai or echo"
	case m.Provider == "openai" && m.Name == "":
		return "model.provider", "provider openai needs model.name"
	case m.BaseURL != "" && !validBaseURL(m.BaseURL):
		return "model.base_url", "want a URL like http://host:port/v1"
	case m.MaxRetries != nil && (*m.MaxRetries < 0 || *m.MaxRetries > 20):
		return "model.max_retries", "want 0 to 20"
	case c.APIServer.Port < 0 || c.APIServer.Port > 65535:
		return "api_server.port", "want 1 to 65535"
	case c.Gateway.DrainTimeout != "" && !validDrain(c.Gateway.DrainTimeout):
		return "gateway.drain_timeout", fmt.Sprintf("want a duration like 20s or 1m30s, at most %s", MaxDrainTimeout)
	case c.Gateway.MaxFailures < 0 || c.Gateway.MaxFailures > MaxFailuresLimit:
		return "gateway.max_failures", fmt.Sprintf("want 1 to %d", MaxFailuresLimit)
	case c.Gateway.FailureWindow != "" && !validWindow(c.Gateway.FailureWindow):
		return "gateway.failure_window", fmt.Sprintf("want a duration like 10m, from 1s to %s", MaxFailureWindow)
	case c.Sessions.MaxMessages != 0 && c.Sessions.MaxMessages < MinMaxMessages:
		return "sessions.max_messages", fmt.Sprintf("want %d or more", MinMaxMessages)
	}
	if c.Sessions.MaxAge != "" {
		if _, err := ParseAge(c.Sessions.MaxAge); err != nil {
			return "sessions.max_age", err.Error()
		}
	}
	return "", ""
}

func validWindow(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d >= time.Second && d <= MaxFailureWindow
}

func validDrain(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d >= 0 && d <= MaxDrainTimeout
}

func validBaseURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (c *Config) setDefaults() {
	if c.Model.Provider == "" {
		c.Model.Provider = "echo"
		if c.Model.Name != "" {
			c.Model.Provider = "openai"
		}
	}
	if c.Model.Provider == "openai" && c.Model.BaseURL == "" {
		c.Model.BaseURL = DefaultOpenAIBaseURL
	}
	if c.Model.APIKeyEnv == "" {
		c.Model.APIKeyEnv = "OPENAI_API_KEY"
	}
	if c.Model.MaxRetries == nil {
		n := DefaultMaxRetries
		c.Model.MaxRetries = &n
	}
}

// quoted is what the library repeats of a file, which may be a secret.
var quoted = regexp.MustCompile(`"[^"]*"?`)

// plainKey returns a key that looks like one of ours, else "": in a file that is no YAML anything may stand where a key is
// looked for, a part of a secret or what a terminal would obey.
func plainKey(key string) string {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}
	if len(key) > 80 || strings.ContainsFunc(key, odd) {
		return ""
	}
	return key
}

// printable replaces what a terminal would not take as text. Blanks of all kinds become spaces.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case r == '\t' || r == '\n':
			return ' '
		}
		return utf8.RuneError
	}, s)
}
