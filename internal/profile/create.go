package profile

import (
	"context"
	"errors"
	"fmt"
)

// Made is a profile that was just made.
type Made struct {
	Home Home
	Port int
	// LeftOut is what its origin has and it did not get.
	LeftOut []LeftOut
}

// envHeader begins a new .env.
const envHeader = "# Secrets of this profile. Keep this file private.\n"

// ownEnvHeader begins a new hermes.env.
const ownEnvHeader = "# What hermes needs and .env lacks. A variable in .env wins. Keep this file private.\n"

// Create makes a profile: SOUL.md, and an .env with a generated key and a port that stays. If from is not nil it is a
// clone: it gets the identity and the configuration of that profile, and never its keys, port, memory or
// logs. It appears all at once or not at all. A name that is taken is *ExistsError.
//
// If only the port cannot be assigned, the profile is there and the error is *UnassignedError.
func (s *Store) Create(ctx context.Context, n Name, from *Home, getenv func(string) string) (Made, error) {
	if err := s.vacant(n); err != nil {
		return Made{}, err
	}
	if from != nil {
		if err := from.isSource(); err != nil {
			return Made{}, err
		}
	}
	st, err := s.stage()
	if err != nil {
		return Made{}, err
	}
	defer st.discard()
	var made Made
	if from != nil {
		if made.LeftOut, err = clone(ctx, *from, st.files); err != nil {
			return Made{}, fmt.Errorf("cannot clone profile '%s': %w", from.Name, err)
		}
	}
	if err := st.home(n).seedFiles(); err != nil {
		return Made{}, fmt.Errorf("cannot create profile '%s': %w", n, err)
	}
	return s.settle(ctx, st, n, made, getenv)
}

// isSource checks that a profile can be copied from.
func (h Home) isSource() error {
	if h.Name.IsDefault() {
		if _, err := h.Files().Lstat(SoulName); err != nil {
			return &NotFoundError{h.Name, h.Dir}
		}
		return nil
	}
	return h.check()
}

// seedFiles writes what every profile has and the home lacks.
func (h Home) seedFiles() error {
	if _, err := h.Files().Lstat(EnvName); err != nil {
		if err := h.Files().WriteFile(EnvName, []byte(envHeader), 0o600); err != nil {
			return err
		}
	}
	if err := h.ensureAPIKey(); err != nil {
		return err
	}
	if _, err := h.Files().Lstat(SoulName); err != nil {
		return h.Files().WriteFile(SoulName, []byte(soulTemplate), 0o644)
	}
	return nil
}

// UnassignedError reports a profile that was made and has no port yet.
type UnassignedError struct {
	Name  Name
	Cause error
}

func (e *UnassignedError) Error() string {
	return fmt.Sprintf("profile '%s' is made, but has no port: %v", e.Name, e.Cause)
}

func (e *UnassignedError) Unwrap() error { return e.Cause }

// settle publishes a staged profile and gives it a port of its own.
func (s *Store) settle(ctx context.Context, st *staging, n Name, made Made, getenv func(string) string) (Made, error) {
	var err error
	if made.Home, err = st.publish(n); err != nil {
		return made, err
	}
	a, err := s.assignOne(ctx, made.Home, getenv, true)
	made.Port = a.Port
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return made, err // deleted by somebody else
	}
	if err != nil {
		return made, &UnassignedError{n, err}
	}
	return made, nil
}
