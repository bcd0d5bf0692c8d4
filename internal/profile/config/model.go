package config

import (
	"net/url"
	"slices"
)

// Model says which model answers.
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

const (
	// DefaultMaxRetries is model.max_retries if the file does not set it.
	DefaultMaxRetries = 3
	// DefaultOpenAIBaseURL is model.base_url of the provider openai if the file does not set it.
	DefaultOpenAIBaseURL = "https://api.openai.com/v1"
)

// Check implements Section.
func (m *Model) Check() (key, msg string) {
	switch {
	case !slices.Contains([]string{"", "openai", "echo"}, m.Provider):
		return "provider", "unknown provider; use openai or echo"
	case m.Provider == "openai" && m.Name == "":
		return "provider", "provider openai needs model.name"
	case m.BaseURL != "" && !validBaseURL(m.BaseURL):
		return "base_url", "want a URL like http://host:port/v1"
	case m.MaxRetries != nil && (*m.MaxRetries < 0 || *m.MaxRetries > 20):
		return "max_retries", "want 0 to 20"
	}
	return "", ""
}

func validBaseURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// SetDefaults sets the values that the file does not set. It is called when everything has been read.
func (m *Model) SetDefaults() {
	if m.Provider == "" {
		m.Provider = "echo"
		if m.Name != "" {
			m.Provider = "openai"
		}
	}
	if m.Provider == "openai" && m.BaseURL == "" {
		m.BaseURL = DefaultOpenAIBaseURL
	}
	if m.APIKeyEnv == "" {
		m.APIKeyEnv = "OPENAI_API_KEY"
	}
	if m.MaxRetries == nil {
		n := DefaultMaxRetries
		m.MaxRetries = &n
	}
}
