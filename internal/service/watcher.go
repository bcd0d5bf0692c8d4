package service

import (
	"context"
	"errors"
)

// Watcher is a Manager that tells when something happens to a service. The zero ID means that any service may have changed.
type Watcher interface {
	// Watch calls happened, once at the beginning and at every change, until ctx ends or the manager does. The error is
	// ErrTellsNothing where the manager cannot.
	Watch(ctx context.Context, happened func(ID)) error
}

// ErrTellsNothing says that a manager does not report changes, so that it has to be asked: that of a host reports no kill -9, for example.
var ErrTellsNothing = errors.New("this manager does not tell of changes")

// Watch reports changes of the services of `hermes up` only. Whoever calls it asks about the host's services from time to time.
func (s Split) Watch(ctx context.Context, happened func(ID)) error {
	if w, ok := s.Rest.(Watcher); ok {
		return w.Watch(ctx, happened)
	}
	return ErrTellsNothing
}
