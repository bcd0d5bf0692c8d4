package local

import (
	"errors"
	"time"

	"hermes/internal/service"
)

// answer is the body of every response: an error with its type, or the result.
type answer struct {
	Error    *wireError   `json:"error,omitempty"`
	Services []wireStatus `json:"services,omitempty"`
}

// wireStatus has all fields of service.Status.
type wireStatus struct {
	service.Status
	Name     string        `json:"name"`
	For      time.Duration `json:"for"`
	Restarts int           `json:"restarts"`
}

func toWire(st service.Status) wireStatus { return wireStatus{st, st.ID.String(), st.For, st.Restarts} }

// wireError carries the errors that callers tell apart.
type wireError struct {
	Kind    string                 `json:"kind"`
	Message string                 `json:"message"`
	Command *service.CommandError  `json:"command,omitempty"`
	Ready   *service.NotReadyError `json:"not_ready,omitempty"`
	Down    *service.NotDownError  `json:"not_down,omitempty"`
}

func encodeError(err error) *wireError {
	w := &wireError{Kind: "other", Message: err.Error()}
	var gateway *service.GatewayNotRegisteredError
	var other *service.NotRegisteredError
	switch {
	case errors.As(err, &gateway), errors.As(err, &other):
		w.Kind = "not_registered"
	case errors.As(err, &w.Ready):
		w.Kind = "not_ready"
	case errors.As(err, &w.Down):
		w.Kind = "not_down"
	case errors.As(err, &w.Command):
		w.Kind = "command"
	}
	return w
}

func (w *wireError) decode(id service.ID) error {
	switch {
	case w.Kind == "not_registered":
		return service.NotRegistered(id)
	case w.Ready != nil:
		return w.Ready
	case w.Down != nil:
		return w.Down
	case w.Command != nil:
		return w.Command
	}
	return errors.New(w.Message)
}
