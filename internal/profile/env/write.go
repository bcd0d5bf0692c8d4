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

// Only the functions in this file write .env and hermes.env. Each holds Home.LockSettings from reading the file until it is written,
// so that of two concurrent writers neither loses what the other wrote.

// lockWait is how long a writer waits for others, which read and write small files.
const lockWait = 30 * time.Second

const (
	// header is how a new .env begins.
	header = "# Secrets of this profile. Keep this file private.\n"
	// ownHeader is how a new hermes.env begins.
	ownHeader = "# What hermes needs and .env lacks. A variable in .env wins. Keep this file private.\n"
)

// Names returns the sorted names of the profile's variables, whose values are secrets.
func Names(h profile.Home) ([]string, error) {
	vars, err := Load(h)
	return slices.Sorted(maps.Keys(vars)), err
}

// Set sets a variable in .env; everything else in the file stays as it is. Errors never contain a value.
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

// Remove removes a variable from .env.
func Remove(ctx context.Context, h profile.Home, name string) error {
	return changed(h, locked(ctx, h, func() error {
		return rewrite(h, profile.EnvName, "", func(text []byte) ([]byte, error) { return removeEnv(h.Env(), text, name) })
	}))
}

// changed adds what failed to an error of changing .env, unless it is a *profile.ConfigError, which says that already.
func changed(h profile.Home, err error) error {
	var wrong *profile.ConfigError
	if err == nil || errors.As(err, &wrong) {
		return err
	}
	return fmt.Errorf("cannot change %s: %w", h.Env(), err)
}

// Put sets a variable that this program generates. It writes the file that has the variable already, or otherwise the file that
// target chooses. value must need no quotes. Errors are *profile.ConfigError and those of package volume.
func Put(ctx context.Context, h profile.Home, name, value string) error {
	return locked(ctx, h, func() error { return put(h, name, value) })
}

// EnsureKey makes an API key if the profile has none. If the variables cannot be read, it does nothing, because the gateway reports
// what is wrong. Errors are *profile.ConfigError and those of package volume.
func EnsureKey(ctx context.Context, h profile.Home) error {
	if vars, err := Load(h); err != nil || vars[Key] != "" {
		return nil // usually there is a key, and no lock is needed
	}
	return locked(ctx, h, func() error {
		if vars, err := Load(h); err != nil || vars[Key] != "" {
			return nil // another process has made one meanwhile
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

// target returns the file for a variable that this program generates: .env, or hermes.env if the home belongs to hermes-agent, whose
// .env we must not write, unless that .env has the variable already.
func target(h profile.Home, name string) string {
	if vars, err := loadFile(h, profile.EnvName); err == nil && vars[name] == "" && config.Foreign(h) {
		return profile.OwnEnvName
	}
	return profile.EnvName
}

// locked calls f while no other process writes the profile's settings.
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

// rewrite changes one of the files. A new file starts with the text begin. The caller holds the lock.
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

// isVariable reports whether .env may have a variable of this name.
func isVariable(name string) bool {
	odd := func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	return name != "" && len(name) <= 128 && (name[0] < '0' || name[0] > '9') && strings.IndexFunc(name, odd) < 0
}

// quoteEnv returns a value in the form for .env: without quotes if possible, otherwise in single quotes, within which godotenv
// changes nothing.
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
