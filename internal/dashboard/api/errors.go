package api

import (
	"errors"
	"net/http"

	"hermes/internal/dashboard/backend"
	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/store"
)

// callError is an error as programs are told of it. Kind is what they tell it from others by.
type callError struct {
	Status  int    `json:"-"`
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Detail  string `json:"detail,omitempty"`
}

func (e *callError) Error() string { return e.Message }

// errorOf turns an error into what programs are told. No other place knows which error has which status and kind.
func errorOf(err error, detail string) *callError {
	var (
		already  *callError
		name     *profile.NameError
		missing  *profile.NotFoundError
		unknown  *service.GatewayNotRegisteredError
		exists   *profile.ExistsError
		root     *profile.RootProfileError
		config   *profile.ConfigError
		changed  *profile.ChangedError
		notReady *service.NotReadyError
		notDown  *service.NotDownError
		session  *store.NoSessionError
		prune    *backend.PruneError
	)
	e := &callError{http.StatusInternalServerError, "internal", textOf(err), logs.PrintableLines(detail)}
	switch {
	case errors.As(err, &already):
		return already
	case errors.As(err, &name):
		e.Status, e.Kind = http.StatusUnprocessableEntity, "name"
	case errors.As(err, &missing), errors.As(err, &unknown), errors.As(err, &session):
		e.Status, e.Kind = http.StatusNotFound, "not_found"
	case errors.As(err, &exists):
		e.Status, e.Kind = http.StatusConflict, "exists"
	case errors.As(err, &root):
		e.Status, e.Kind = http.StatusUnprocessableEntity, "default_profile"
	case errors.As(err, &prune):
		e.Status, e.Kind = http.StatusUnprocessableEntity, "prune"
	case errors.As(err, &config):
		e.Status, e.Kind = http.StatusUnprocessableEntity, "config"
	case errors.As(err, &changed):
		e.Status, e.Kind = http.StatusPreconditionFailed, "changed"
	case errors.As(err, &notReady):
		e.Status, e.Kind = http.StatusConflict, "not_ready"
	case errors.As(err, &notDown):
		e.Status, e.Kind = http.StatusConflict, "not_down"
	case errors.Is(err, backend.ErrNoControl):
		e.Status, e.Kind = http.StatusServiceUnavailable, "no_control"
	}
	return e
}

// textOf returns an error's text without control characters.
func textOf(err error) string { return logs.PrintableLines(err.Error()) }

// doneView is the answer of an action.
type doneView struct {
	Message string `json:"message"`
	Detail  string `json:"detail,omitempty"`
}

// answerOf returns what programs are told of an action's outcome.
func answerOf(o backend.Outcome) (any, error) {
	if o.Err != nil {
		return nil, errorOf(o.Err, o.More)
	}
	return doneView{o.Text, logs.PrintableLines(o.More)}, nil
}
