package profile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"hermes/internal/volume"
)

// File is a text file of a profile that people edit.
type File struct {
	Text string
	// Tag is different for each content: who saves says which one was edited.
	Tag string
}

// ChangedError reports that a file is not as it was when somebody began to edit it.
type ChangedError struct{ File string }

func (e *ChangedError) Error() string {
	return fmt.Sprintf("cannot save %s: somebody else has changed it since; look at what it says now and edit that", e.File)
}

func (h Home) readFile(name string, limit int64) (File, error) {
	data, err := h.Files().ReadFile(name, limit)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = nil, nil
	}
	if err != nil {
		return File{}, fmt.Errorf("cannot read %s: %w", h.Files().Path(name), err)
	}
	sum := sha256.Sum256(data)
	if data, err = plainText(h.Files().Path(name), data); err != nil {
		return File{}, err
	}
	return File{string(data), hex.EncodeToString(sum[:8])}, nil
}

// ReadConfig returns config.yaml, with its secrets replaced by a mask that SaveConfig understands. A file that is not there
// is empty.
func (h Home) ReadConfig() (File, error) {
	f, err := h.readFile(ConfigName, maxYAMLFile)
	f.Text = maskSecrets(f.Text)
	return f, err
}

// SaveConfig replaces config.yaml, if it is still what tag stands for and the text can be used. The file of before stays as
// config.yaml.bak. Errors: *ConfigError, *ChangedError.
func (h Home) SaveConfig(ctx context.Context, text, tag string) error {
	return h.save(ctx, ConfigName, maxYAMLFile, text, tag, func(before, text string) (string, error) {
		if strings.Contains(text, strings.TrimSpace(unshowable)) {
			return "", &ConfigError{File: h.Config(), Msg: "it cannot be edited here, because it cannot be shown: edit the file itself"}
		}
		text = unmaskSecrets(before, text)
		if strings.Contains(text, mask) {
			return "", &ConfigError{File: h.Config(), Msg: "a hidden value (" + mask + ") stands where there was none before; write the value out"}
		}
		_, err := parseConfig(h.Config(), []byte(text))
		return text, err
	})
}

// ReadSoul returns SOUL.md.
func (h Home) ReadSoul() (File, error) { return h.readFile(SoulName, maxConfigFile) }

// SaveSoul replaces SOUL.md, if it is still what tag stands for. The file of before stays as SOUL.md.bak.
func (h Home) SaveSoul(ctx context.Context, text, tag string) error {
	return h.save(ctx, SoulName, maxConfigFile, text, tag, func(_, text string) (string, error) { return text, nil })
}

func (h Home) save(ctx context.Context, name string, limit int64, text, tag string, check func(before, text string) (string, error)) error {
	path := h.Files().Path(name)
	lock, err := h.Files().WaitLock(ctx, settingsLockName)
	if err != nil {
		return fmt.Errorf("cannot save %s: %w", path, err)
	}
	defer lock.Unlock()
	before, err := h.readFile(name, limit)
	if err != nil {
		return err
	}
	if before.Tag != tag {
		return &ChangedError{path}
	}
	text = strings.ReplaceAll(text, "\r\n", "\n") // what forms send
	if int64(len(text)) > limit {
		return fmt.Errorf("cannot save %s: %w: at most %d kB", path, volume.ErrTooLarge, limit>>10)
	}
	if text, err = check(before.Text, text); err != nil {
		return err
	}
	if text == before.Text {
		return nil
	}
	if before.Text != "" {
		if err := h.Files().WriteFile(name+".bak", []byte(before.Text), 0o600); err != nil {
			return fmt.Errorf("cannot keep a copy of %s: %w", path, err)
		}
	}
	if err := h.Files().WriteFile(name, []byte(text), 0o600); err != nil {
		return fmt.Errorf("cannot save %s: %w", path, err)
	}
	return nil
}

// isVariable reports whether a variable of .env may be called so.
func isVariable(name string) bool {
	odd := func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	return name != "" && len(name) <= 128 && (name[0] < '0' || name[0] > '9') && strings.IndexFunc(name, odd) < 0
}

// Variables returns the names of the variables in .env, sorted. Their values are secrets.
func (h Home) Variables() ([]string, error) {
	env, err := LoadEnv(h)
	return slices.Sorted(maps.Keys(env)), err
}

// SetVariable gives a variable of .env a value; everything else in the file stays as it is. Errors never show a value.
func (h Home) SetVariable(ctx context.Context, name, value string) error {
	if !isVariable(name) {
		return &ConfigError{File: h.Env(), Msg: "a variable's name has letters, digits and _, and begins with no digit"}
	}
	written, ok := quoteEnv(value)
	if !ok {
		return &ConfigError{File: h.Env(), Key: name, Msg: "the value has line ends, control characters or both kinds of quotes: write it into the file by hand"}
	}
	return h.editEnv(ctx, func(text []byte) ([]byte, error) { return setEnv(h.Env(), text, name, value, written) })
}

// RemoveVariable takes a variable out of .env.
func (h Home) RemoveVariable(ctx context.Context, name string) error {
	return h.editEnv(ctx, func(text []byte) ([]byte, error) { return removeEnv(h.Env(), text, name) })
}

func (h Home) editEnv(ctx context.Context, edit func([]byte) ([]byte, error)) error {
	lock, err := h.Files().WaitLock(ctx, settingsLockName)
	if err != nil {
		return fmt.Errorf("cannot change %s: %w", h.Env(), err)
	}
	defer lock.Unlock()
	before, err := h.readFile(EnvName, maxConfigFile)
	if err != nil {
		return err
	}
	after, err := edit([]byte(before.Text))
	if err != nil || bytes.Equal(after, []byte(before.Text)) {
		return err
	}
	if err := h.Files().WriteFile(EnvName, after, 0o600); err != nil {
		return fmt.Errorf("cannot change %s: %w", h.Env(), err)
	}
	return nil
}

// quoteEnv returns a value as it is written in .env: bare where it can be, else in single quotes, which godotenv takes
// literally.
func quoteEnv(value string) (string, bool) {
	plain := regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=^~-]*$`)
	switch {
	case plain.MatchString(value):
		return value, true
	case !strings.ContainsAny(value, "'\\") && strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0:
		return "'" + value + "'", true
	}
	return "", false
}

// removeEnv returns the text of an .env without a variable.
func removeEnv(file string, text []byte, name string) ([]byte, error) {
	before, err := parseEnv(text)
	if err != nil {
		return nil, &ConfigError{File: file, Line: badEnvLine(string(text)), Msg: "want lines of the form NAME=value"}
	}
	if _, ok := before[name]; !ok {
		return nil, &ConfigError{File: file, Key: name, Msg: "there is no such variable"}
	}
	want := maps.Clone(before)
	delete(want, name)
	pattern := regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?` + regexp.QuoteMeta(name) + `[ \t]*[=:][^\r\n]*\r?\n?`)
	edited := pattern.ReplaceAll(text, nil)
	if got, err := parseEnv(edited); err != nil || !maps.Equal(got, want) {
		return nil, &ConfigError{File: file, Key: name, Msg: "cannot be taken out of a file of this form: edit the file by hand"}
	}
	return edited, nil
}
