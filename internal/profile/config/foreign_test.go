package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestAFileOfAnotherProgramIsReadAsFarAsItGoes(t *testing.T) {
	for _, c := range []struct {
		text, unused string
		provider     string
	}{
		{"_config_version: 50\n", "_config_version", "echo"},
		{"_config_version: 50\nmodel: llama3\n", "_config_version model", "echo"},
		{"terminal: {backend: local}\nmodel: {provider: echo, default: x}\n", "terminal model.default", "echo"},
		{"memory: {}\nmodel: {name: m, max_retries: many}\napi_server: {port: 99999}\n", "memory model.max_retries api_server.port", "openai"},
		{"agent: {}\nmodel: {provider: openai, base_url: 'ftp://x'}\ngateway: {drain_timeout: 5}\n", "agent model.provider model.base_url gateway.drain_timeout", "echo"},
		{"tts: {}\n\"\\e[31m\": 1\n-: 2\n", "tts ? -", "echo"},
	} {
		got, err := parseConfig("f", []byte(c.text))
		if err != nil || strings.Join(got.Unused, " ") != c.unused || got.Model.Provider != c.provider || *got.Model.MaxRetries != DefaultMaxRetries {
			t.Errorf("%q: %+v %v", c.text, got, err)
		}
	}
	// A file that is too expensive to read is refused, whichever program wrote it.
	if _, err := parseConfig("f", []byte("_config_version: 50\na: &a [x]\nb: *a\n")); err == nil {
		t.Error("an anchor was read")
	}
	// Without a key of hermes-agent, an unknown key is an error.
	for _, text := range []string{"modle: {}\n", "model: {default: x}\n", "model: {_config_version: 50}\n", "- _config_version\n", "_config: 1\n"} {
		if got, err := parseConfig("f", []byte(text)); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
	for _, key := range foreignKeys {
		if slices.Contains([]string{"model", "api_server", "gateway"}, key) {
			t.Errorf("%s is a key of ours", key)
		}
	}
}

// TestNoKeyOfOursSaysThatAFileIsAnotherPrograms: otherwise mistakes in our own files would not be reported.
func TestNoKeyOfOursSaysThatAFileIsAnotherPrograms(t *testing.T) {
	config := reflect.TypeFor[Config]()
	for i := range config.NumField() {
		if key := config.Field(i).Tag.Get("yaml"); slices.Contains(foreignKeys, key) {
			t.Errorf("%q is a key of ours", key)
		}
	}
}
