package service

import (
	"context"
	"errors"
)

// Watcher is a Manager that tells when something happens to a service. An ID that names nothing stands for any of them.
type Watcher interface {
	// Watch calls happened, once at the beginning and at every change, until ctx ends or the manager does. The error is
	// ErrTellsNothing where the manager cannot.
	Watch(ctx context.Context, happened func(ID)) error
}

// ErrTellsNothing is about a manager that has to be asked: the host's tells nobody about kill -9, say.
var ErrTellsNothing = errors.New("this manager does not tell of changes")

// Watch tells of the services of `hermes up` only: whoever looks asks about the host's now and then.
func (s Split) Watch(ctx context.Context, happened func(ID)) error {
	if w, ok := s.Rest.(Watcher); ok {
		return w.Watch(ctx, happened)
	}
	return ErrTellsNothing
}
