package service

import (
	"context"
	"time"
)

// Split is the manager of a home where the host runs some of the gateways and `hermes up` the others. Each manager is asked about its own
// gateways. Where s6 is in charge there is no Split.
type Split struct {
	Host Installer
	Rest Manager // the `hermes up` of this home; nil where none runs
}

var _ Installer = Split{}

func (s Split) of(id ID) (Manager, error) {
	switch {
	case s.Host.Installed(id):
		return s.Host, nil
	case s.Rest != nil:
		return s.Rest, nil
	}
	if n, ok := id.Profile(); ok {
		return nil, &NotInstalledError{n}
	}
	return nil, NotRegistered(id)
}

// Kind says which manager takes new profiles: the host's if there is no other.
func (s Split) Kind() Kind {
	if s.Rest != nil {
		return s.Rest.Kind()
	}
	return s.Host.Kind()
}

// SupportsRegistration reports whether every profile is to be registered as it is made.
func (s Split) SupportsRegistration() bool { return s.Rest != nil && s.Rest.SupportsRegistration() }

// Installed reports whether the host runs a gateway.
func (s Split) Installed(id ID) bool { return s.Host.Installed(id) }

// Name says what runs a service.
func (s Split) Name(id ID) string { return s.Host.Name(id) }

// Move installs a service in the way another one was, whose place it takes.
func (s Split) Move(ctx context.Context, from ID, to Spec) error { return s.Host.Move(ctx, from, to) }

// Register makes a service known.
func (s Split) Register(ctx context.Context, spec Spec) error {
	m, err := s.of(spec.ID)
	if err != nil {
		return err
	}
	return m.Register(ctx, spec)
}

// Unregister stops a service and forgets it.
func (s Split) Unregister(ctx context.Context, id ID) error {
	m, err := s.of(id)
	if err != nil {
		return err
	}
	return m.Unregister(ctx, id)
}

// Start wants a service up.
func (s Split) Start(ctx context.Context, id ID, wait time.Duration) error {
	m, err := s.of(id)
	if err != nil {
		return err
	}
	return m.Start(ctx, id, wait)
}

// Stop wants a service down.
func (s Split) Stop(ctx context.Context, id ID, wait time.Duration) error {
	m, err := s.of(id)
	if err != nil {
		return err
	}
	return m.Stop(ctx, id, wait)
}

// Restart ends a service and starts it anew.
func (s Split) Restart(ctx context.Context, id ID, wait time.Duration) error {
	m, err := s.of(id)
	if err != nil {
		return err
	}
	return m.Restart(ctx, id, wait)
}

// Status tells what a service does now.
func (s Split) Status(ctx context.Context, id ID) (Status, error) {
	m, err := s.of(id)
	if err != nil {
		return Status{}, err
	}
	return m.Status(ctx, id)
}

// List tells the same of all services: the host's, then the others.
func (s Split) List(ctx context.Context) ([]Status, error) {
	all, err := s.Host.List(ctx)
	if err != nil || s.Rest == nil {
		return all, err
	}
	rest, err := s.Rest.List(ctx)
	for _, st := range rest {
		if !s.Host.Installed(st.ID) {
			all = append(all, st)
		}
	}
	return all, err
}
