// Package provision makes profiles and what is missing in their homes. It combines the other packages below profile.
package provision

import (
	"context"
	"errors"
	"fmt"

	"hermes/internal/profile"
	"hermes/internal/profile/contents"
	"hermes/internal/profile/ports"
)

// Made is a profile that was just made.
type Made struct {
	Home profile.Home
	Port int
	// LeftOut is what the origin has and the new profile did not get.
	LeftOut []contents.LeftOut
}

// Create makes a profile: SOUL.md, and an .env with a generated key and a port that stays. If from is not nil, the new profile is a
// clone: it gets the identity and the configuration of from, but not its keys, port, memory or logs. The profile appears complete or
// not at all. If the name is taken, the error is *ExistsError.
//
// If only the port cannot be assigned, the profile exists and the error is *UnassignedError.
func Create(ctx context.Context, s *profile.Store, n profile.Name, from *profile.Home, getenv func(string) string) (Made, error) {
	if err := s.Vacant(n); err != nil {
		return Made{}, err
	}
	if from != nil {
		if err := from.CheckSource(); err != nil {
			return Made{}, err
		}
	}
	st, err := s.Stage()
	if err != nil {
		return Made{}, err
	}
	defer st.Discard()
	var made Made
	if from != nil {
		if made.LeftOut, err = clone(ctx, *from, st.Files); err != nil {
			return Made{}, fmt.Errorf("cannot clone profile '%s': %w", from.Name, err)
		}
	}
	if err := Fill(ctx, st.Home(n)); err != nil {
		return Made{}, fmt.Errorf("cannot create profile '%s': %w", n, err)
	}
	return Settle(ctx, s, st, n, made, getenv)
}

// UnassignedError reports that a profile was made but has no port yet.
type UnassignedError struct {
	Name  profile.Name
	Cause error
}

func (e *UnassignedError) Error() string {
	return fmt.Sprintf("profile '%s' is made, but has no port: %v", e.Name, e.Cause)
}

func (e *UnassignedError) Unwrap() error { return e.Cause }

// Settle publishes a staged profile and assigns a port to it. Its errors are those of Create.
func Settle(ctx context.Context, s *profile.Store, st *profile.Staging, n profile.Name, made Made, getenv func(string) string) (Made, error) {
	var err error
	if made.Home, err = st.Publish(n); err != nil {
		return made, err
	}
	made.Port, err = ports.AssignFresh(ctx, s, made.Home, getenv)
	var missing *profile.NotFoundError
	if errors.As(err, &missing) {
		return made, err // another process has deleted it
	}
	if err != nil {
		return made, &UnassignedError{n, err}
	}
	return made, nil
}
