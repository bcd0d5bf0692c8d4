package env

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"hermes/internal/profile"
	"hermes/internal/profile/config"
)

// The only writers of .env and hermes.env are in this file, and each holds Home.LockSettings from its reading of a file to its
// writing: none of two that write at once loses what the other wrote.

// lockWait is how long a writer waits for others. Each reads and writes small files.
const lockWait = 30 * time.Second

const (
	// header begins a new .env.
	header = "# Secrets of this profile. Keep this file private.\n"
	// ownHeader begins a new hermes.env.
	ownHeader = "# What hermes needs and .env lacks. A variable in .env wins. Keep this file private.\n"
)

// Names returns the names of the profile's variables, sorted. Their values are secrets.
func Names(h profile.Home) ([]string, error) {
	vars, err := Load(h)
	return slices.Sorted(maps.Keys(vars)), err
}

// Set gives a variable of .env a value; everything else in the file stays as it is. Errors never show a value.
func Set(ctx context.Context, h profile.Home, name, value string) error {
	if !isVariable(name) {
		return &profile.ConfigError{File: h.Env(), Msg: "a variable's name has letters, digits and _, and begins with no digit"}
	}
	written, ok := quoteEnv(value)
	if !ok {
		return &profile.ConfigError{File: h.Env(), Key: name, Msg: "the value has line ends, control characters or both kinds of quotes: write it into the file by hand"}
	}
	return changed(h, locked(ctx, h, func() error {
		return rewrite(h, profile.EnvName, "", func(text []byte) ([]byte, error) { return setEnv(h.Env(), text, name, value, written) })
	}))
}

// Remove takes a variable out of .env.
func Remove(ctx context.Context, h profile.Home, name string) error {
	return changed(h, locked(ctx, h, func() error {
		return rewrite(h, profile.EnvName, "", func(text []byte) ([]byte, error) { return removeEnv(h.Env(), text, name) })
	}))
}

// changed explains an error of changing .env that does not speak for itself.
func changed(h profile.Home, err error) error {
	var wrong *profile.ConfigError
	if err == nil || errors.As(err, &wrong) {
		return err
	}
	return fmt.Errorf("cannot change %s: %w", h.Env(), err)
}

// Put gives a variable that this program makes a value: in the file that has the variable now, else in the one in which such a
// variable goes. value needs no quotes. Errors are *profile.ConfigError and those of package volume.
func Put(ctx context.Context, h profile.Home, name, value string) error {
	return locked(ctx, h, func() error { return put(h, name, value) })
}

// EnsureKey sees to it that a profile has an API key. Variables that cannot be read stay as they are: what is wrong is the gateway's
// to report. Errors are *profile.ConfigError and those of package volume.
func EnsureKey(ctx context.Context, h profile.Home) error {
	if vars, err := Load(h); err != nil || vars[Key] != "" {
		return nil // the usual case needs no lock
	}
	return locked(ctx, h, func() error {
		if vars, err := Load(h); err != nil || vars[Key] != "" {
			return nil // somebody else was faster
		}
		return put(h, Key, newKey())
	})
}

func put(h profile.Home, name, value string) error {
	file := target(h, name)
	begin := header
	if file == profile.OwnEnvName {
		begin = ownHeader
	}
	return rewrite(h, file, begin, func(text []byte) ([]byte, error) {
		return setEnv(h.Files().Path(file), text, name, value, value)
	})
}

// target is the file into which a variable goes that this program makes: .env, or hermes.env in a home of hermes-agent, whose .env
// is not ours to write, unless it has the variable.
func target(h profile.Home, name string) string {
	if vars, err := loadFile(h, profile.EnvName); err == nil && vars[name] == "" && config.Foreign(h) {
		return profile.OwnEnvName
	}
	return profile.EnvName
}

// locked calls f while nobody else writes the profile's settings.
func locked(ctx context.Context, h profile.Home, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	unlock, err := h.LockSettings(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return f()
}

// rewrite changes one of the files. One that is not there begins as begin. Its caller holds the lock.
func rewrite(h profile.Home, name, begin string, edit func([]byte) ([]byte, error)) error {
	before, err := h.Files().ReadFile(name, profile.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		before, err = []byte(begin), nil
	}
	if err != nil {
		return err
	}
	if before, err = profile.PlainText(h.Files().Path(name), before); err != nil {
		return err
	}
	after, err := edit(before)
	if err != nil || bytes.Equal(after, before) {
		return err
	}
	return h.Files().WriteFile(name, after, 0o600)
}

// isVariable reports whether a variable of .env may be called so.
func isVariable(name string) bool {
	odd := func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	return name != "" && len(name) <= 128 && (name[0] < '0' || name[0] > '9') && strings.IndexFunc(name, odd) < 0
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
