package provision

import (
	"context"
	"errors"
	"fmt"

	"hermes/internal/profile"
	"hermes/internal/profile/ports"
)

// Rename renames a profile as profile.Store does. The profile keeps its port.
func Rename(ctx context.Context, s *profile.Store, from, to profile.Name, getenv func(string) string) (profile.Home, error) {
	old := s.Home(from)
	if err := s.CanRename(from, to); err != nil {
		return old, err
	}
	// A profile without a written port has the port derived from its name, which would change. So write the port first.
	var wrong *profile.ConfigError
	if _, err := ports.Assign(ctx, s, old, getenv); err != nil && !errors.As(err, &wrong) {
		return old, fmt.Errorf("cannot rename profile '%s': %w", from, err)
	}
	return s.Rename(ctx, from, to)
}
