package operate

import (
	"context"
	"fmt"
	"io"

	"hermes/internal/environment"
	"hermes/internal/profile"
	"hermes/internal/profile/archive"
	"hermes/internal/profile/provision"
)

// Create makes a profile and registers its gateway, down. If from is not the zero name, the new profile is a clone of that one; the
// default profile can always be cloned. Errors are those of provision.Create. After *provision.UnassignedError, and after an error about
// the slot, the profile is there, and the next start does what is missing.
func (p Profiles) Create(ctx context.Context, n, from profile.Name) (provision.Made, error) {
	var source *profile.Home
	if from != (profile.Name{}) {
		h, err := p.origin(ctx, from)
		if err != nil {
			return provision.Made{}, err
		}
		source = &h
	}
	m, err := provision.Create(ctx, p.Store, n, source, environment.Get)
	return p.settled(ctx, m, err)
}

// Import makes a profile from an archive and registers its gateway, down. Errors are those of archive.Import, and as with Create.
func (p Profiles) Import(ctx context.Context, r io.Reader, o archive.ImportOptions) (provision.Made, error) {
	m, err := archive.Import(ctx, p.Store, r, o)
	return p.settled(ctx, m, err)
}

// origin returns the home of a profile that is to be cloned.
func (p Profiles) origin(ctx context.Context, n profile.Name) (profile.Home, error) {
	if n.IsDefault() {
		return provision.Seed(ctx, p.Store, n)
	}
	return p.Store.Get(n)
}

// settled registers a profile that was made. If making it failed it does not try: Register would fail in the same way again.
func (p Profiles) settled(ctx context.Context, m provision.Made, err error) (provision.Made, error) {
	if err != nil {
		return m, err
	}
	if err := p.Register(ctx, m.Home); err != nil {
		n := m.Home.Name
		return m, fmt.Errorf("profile '%s' is made, but has no slot: %w; `hermes -p %s gateway start` tries again", n, err, n)
	}
	return m, nil
}
