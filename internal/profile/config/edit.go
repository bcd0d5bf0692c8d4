package config

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"hermes/internal/profile"
)

// Read returns config.yaml, with its secrets replaced by a mask that Save understands. A file that is not there is empty.
func Read(h profile.Home) (profile.File, error) {
	f, err := h.ReadText(profile.ConfigName, MaxSize)
	f.Text = maskSecrets(f.Text)
	return f, err
}

// Save replaces config.yaml, if it is still what tag stands for and the text can be used. The file of before stays as
// config.yaml.bak. blocks are as in Load. Errors: *profile.ConfigError, *profile.ChangedError.
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

// Check finds out whether a config.yaml is one that readers can afford: at most MaxSize, and plain YAML. What it says may
// still be wrong. file stands for it in messages. Errors are *profile.ConfigError.
func Check(file string, data []byte) error {
	_, err := parseYAML(file, data)
	return err
}

// WithoutPort cuts the line of api_server.port out of a config.yaml, if the rest means what it meant. Else it returns the
// text as it is.
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

// plain is a configuration without pointers, to compare it.
func plain(c Config) any {
	retries := *c.Model.MaxRetries
	c.Model.MaxRetries = nil
	return struct {
		Config
		retries int
	}{c, retries}
}
