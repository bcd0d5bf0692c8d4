package apiserver

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"

	"hermes/internal/conversation"
	"hermes/internal/model"
)

// apiError is an error in the form that OpenAI uses.
type apiError struct {
	Message string `json:"message"`
	Type    string `json:"type"`
	Param   string `json:"param"`
	Code    string `json:"code"`

	status     int
	retryAfter int // in seconds; 0 sends no header
}

// The error types of OpenAI that this API uses.
const (
	typeInvalid   = "invalid_request_error"
	typeRateLimit = "rate_limit_error"
	typeServer    = "server_error"
)

var (
	errKey = &apiError{status: http.StatusUnauthorized, Type: typeInvalid, Code: "invalid_api_key",
		Message: "missing or wrong API key: send the profile's API_SERVER_KEY as a bearer token"}
	errInternal = &apiError{status: http.StatusInternalServerError, Type: typeServer, Code: "internal_error", Message: "internal error"}
	errDraining = &apiError{status: http.StatusServiceUnavailable, Type: typeServer, Code: "draining", retryAfter: 2,
		Message: conversation.ErrDraining.Error() + ": try again in a moment"}
)

func (e *apiError) Error() string { return e.Message }

// MarshalJSON writes null for a missing param or code, as OpenAI does.
func (e *apiError) MarshalJSON() ([]byte, error) {
	null := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return json.Marshal(struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}{e.Message, e.Type, null(e.Param), null(e.Code)})
}

type errorBody struct {
	Error *apiError `json:"error"`
}

func writeError(w http.ResponseWriter, e *apiError) {
	if e.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(e.retryAfter))
	}
	writeJSON(w, e.status, errorBody{e})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{"error":{"message":"internal error","type":"server_error","param":null,"code":null}}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(data, '\n')) // an error means that the client has gone
}

// turnError turns the error of a turn into what the client sees; nothing else does. Causes that the client must not see stay in the
// log.
func turnError(ctx context.Context, err error) *apiError {
	var me *model.Error
	var se *conversation.SaveError
	switch {
	case errors.Is(err, conversation.ErrDraining), errors.Is(context.Cause(ctx), conversation.ErrDraining):
		return errDraining
	case errors.Is(err, conversation.ErrBusy):
		return &apiError{status: http.StatusTooManyRequests, Type: typeRateLimit, Code: "session_busy", retryAfter: 1, Message: err.Error()}
	case errors.As(err, &se):
		return &apiError{status: http.StatusServiceUnavailable, Type: typeServer, Code: "session_not_saved", retryAfter: 5,
			Message: "the gateway cannot read or write this session: its log says why"}
	case errors.As(err, &me):
		// If the provider refuses the gateway, the status is 502 and not the provider's 401, because the client's own key was right.
		e := &apiError{status: http.StatusBadGateway, Type: typeServer, Code: "model_" + string(me.Kind), Message: me.Msg}
		switch me.Kind {
		case model.RateLimited:
			e.status, e.Type = http.StatusTooManyRequests, typeRateLimit
		case model.BadRequest:
			e.status, e.Type = http.StatusBadRequest, typeInvalid
		}
		if me.RetryAfter > 0 {
			e.retryAfter = int(math.Ceil(me.RetryAfter.Seconds()))
		}
		return e
	}
	return errInternal
}
