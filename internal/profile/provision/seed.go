package provision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/env"
	"hermes/internal/volume"
)

const soulTemplate = `# Who you are

You are a helpful assistant. Answer briefly and truthfully; say so when you do not know.

Edit this file to change who answers: it is the system prompt of this profile.
`

// Seed makes what is missing of a profile's home: the directory (0700), an .env with a generated API key (0600), and SOUL.md. It
// keeps what exists. In a home of hermes-agent the key goes into hermes.env.
func Seed(ctx context.Context, s *profile.Store, n profile.Name) (profile.Home, error) {
	h := s.Home(n)
	if err := h.Files().MkdirAll(".", 0o700); err != nil {
		return h, fmt.Errorf("cannot make the home of profile '%s': %w", n, err)
	}
	if err := ensureKey(ctx, h); err != nil {
		return h, err
	}
	if err := ensureSoul(h); err != nil {
		return h, fmt.Errorf("cannot seed profile '%s': %w", n, err)
	}
	return h, nil
}

// Fill makes what a home lacks of what every profile has: an API key and SOUL.md.
func Fill(ctx context.Context, h profile.Home) error {
	if err := ensureKey(ctx, h); err != nil {
		return err
	}
	return ensureSoul(h)
}

// ensureSoul is called last, because the presence of SOUL.md makes the directory a profile.
func ensureSoul(h profile.Home) error {
	if _, err := h.Files().Lstat(profile.SoulName); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return h.Files().WriteFile(profile.SoulName, []byte(soulTemplate), 0o644)
}

// SeedForeign makes an API key in hermes.env for a home of hermes-agent that has none. It does nothing in any other home.
func SeedForeign(ctx context.Context, h profile.Home) error {
	if vars, err := env.Load(h); err != nil || vars[env.Key] != "" || !config.Foreign(h) {
		return nil //nolint:nilerr // a wrong .env is the gateway's to report
	}
	return ensureKey(ctx, h)
}

func ensureKey(ctx context.Context, h profile.Home) error {
	err := env.EnsureKey(ctx, h)
	if errors.Is(err, volume.ErrMount) {
		return nil // the gateway says which line is missing
	}
	if err != nil {
		return fmt.Errorf("cannot add an API key for profile '%s': %w", h.Name, err)
	}
	return nil
}
