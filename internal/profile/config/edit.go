package config

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"hermes/internal/profile"
)

// Read returns config.yaml with its secrets masked; Save understands the mask. A missing file is empty.
func Read(h profile.Home) (profile.File, error) {
	f, err := h.ReadText(profile.ConfigName, MaxSize)
	f.Text = maskSecrets(f.Text)
	return f, err
}

// Save replaces config.yaml if tag still stands for its content and the new text can be used. It keeps the old file as
// config.yaml.bak. blocks are the same as for Load. Its errors are *profile.ConfigError and *profile.ChangedError.
func Save(ctx context.Context, h profile.Home, text, tag string, blocks ...Block) error {
	return h.SaveText(ctx, profile.ConfigName, MaxSize, text, tag, func(before, text string) (string, error) {
		if strings.Contains(text, strings.TrimSpace(unshowable)) {
			return "", &profile.ConfigError{File: h.Config(), Msg: "it cannot be edited here, because it cannot be shown: edit the file itself"}
		}
		text = unmaskSecrets(before, text)
		if strings.Contains(text, mask) {
			return "", &profile.ConfigError{File: h.Config(), Msg: "a hidden value (" + mask + ") stands where there was none before; write the value out"}
		}
		_, err := parseConfig(h.Config(), []byte(text), blocks...)
		return text, err
	})
}

// Check checks that a config.yaml is not too expensive to read: it has at most MaxSize bytes and is plain YAML. Its values may still
// be wrong. file is its name in messages. Its errors are *profile.ConfigError.
func Check(file string, data []byte) error {
	_, err := parseYAML(file, data)
	return err
}

// WithoutPort removes the line of api_server.port from a config.yaml, if the rest then means the same as before. Otherwise it
// returns the text unchanged.
func WithoutPort(data []byte) []byte {
	before, err := parseConfig("", data)
	root, rerr := parseYAML("", data)
	if err != nil || rerr != nil || before.APIServer.Port == 0 {
		return data
	}
	line := lineOf(root, "api_server.port")
	lines := bytes.SplitAfter(data, []byte("\n"))
	if line < 1 || line > len(lines) {
		return data
	}
	cut := bytes.Join(append(lines[:line-1:line-1], lines[line:]...), nil)
	after, err := parseConfig("", cut)
	before.APIServer.Port = 0
	if err != nil || fmt.Sprintf("%+v", plain(before)) != fmt.Sprintf("%+v", plain(after)) {
		return data
	}
	return cut
}

// plain returns a configuration without pointers, so that two can be compared.
func plain(c Config) any {
	retries := *c.Model.MaxRetries
	c.Model.MaxRetries = nil
	return struct {
		Config
		retries int
	}{c, retries}
}
