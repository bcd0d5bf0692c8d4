package apiserver

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"hermes/internal/httpguard"
	"hermes/internal/model"
)

// sessionHeader names the session that a request continues.
const sessionHeader = "X-Hermes-Session"

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	// Refuse before reading the body, so that no client sends 4 MB to a gateway that is draining.
	if reasons := *s.reasons.Load(); len(reasons) > 0 {
		writeError(w, s.notReady(reasons))
		return
	}
	call, err := s.read(w, r)
	if err != nil {
		var refused *apiError
		if !errors.As(err, &refused) {
			refused = errInternal
		}
		writeError(w, refused)
		return
	}
	if call.turn.Session != "" {
		w.Header().Set(sessionHeader, call.turn.Session)
	}
	h := head{ID: newID(), Created: time.Now().Unix(), Model: s.o.Model}
	if call.stream {
		s.stream(w, r, call, h)
		return
	}
	s.complete(w, r, call, h)
}

func (s *Server) notReady(reasons []string) *apiError {
	if reasons[0] == Draining {
		return errDraining
	}
	return &apiError{status: http.StatusServiceUnavailable, Type: typeServer, Code: "not_ready", retryAfter: 1,
		Message: "the gateway cannot take messages yet: " + strings.Join(reasons, ", ")}
}

// Draining is the reason of a gateway that lets its turns finish and then ends.
const Draining = "draining"

// read reads the whole body, within the time limits, and parses it.
func (s *Server) read(w http.ResponseWriter, r *http.Request) (chatCall, error) {
	release, err := s.bodies.Take(w, r)
	defer release()
	var refused *httpguard.BodyError
	if errors.As(err, &refused) {
		e := &apiError{status: refused.Status, Type: typeInvalid, Code: "invalid_request", Message: refused.Msg}
		switch refused.Status {
		case http.StatusRequestEntityTooLarge:
			e.Code, e.Message = "request_too_large", fmt.Sprintf("the request is over %d bytes", maxBody)
		case http.StatusRequestTimeout:
			e.Code = "request_timeout"
		case http.StatusServiceUnavailable:
			e.Code, e.Type, e.retryAfter = "busy", typeServer, 1
		}
		return chatCall{}, e
	}
	return parseChat(r.Body, r.Header.Values(sessionHeader))
}

// newID returns an id that looks like OpenAI's ids.
func newID() string {
	b := make([]byte, 12)
	rand.Read(b) // crypto/rand.Read never fails
	return "chatcmpl-" + hex.EncodeToString(b)
}

// head has the fields that all chunks of an answer have in common.
type head struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Model   string `json:"model"`
}

type usage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
	Total      int64 `json:"total_tokens"`
}

func newUsage(u model.Usage) *usage { return &usage{u.Input, u.Output, u.Input + u.Output} }

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
	Refusal any    `json:"refusal"`
}

type choice struct {
	Index    int          `json:"index"`
	Message  message      `json:"message"`
	Logprobs any          `json:"logprobs"`
	Finish   model.Finish `json:"finish_reason"`
}

type completion struct {
	head
	Choices []choice `json:"choices"`
	Usage   *usage   `json:"usage"`
}

// words passes only the text of an answer on. Reasoning and calls of tools are dropped: clients cannot offer tools to this API.
func words(emit func(string) error) func(model.Event) error {
	return func(e model.Event) error {
		if text, ok := e.(model.TextDelta); ok {
			return emit(string(text))
		}
		return nil
	}
}

// finishReason returns the reason that the client gets. A call of a tool becomes "stop", because the client never sees the call.
func finishReason(f model.Finish) model.Finish {
	if f == model.FinishToolCalls {
		return model.FinishStop
	}
	return f
}

// complete answers in one piece.
func (s *Server) complete(w http.ResponseWriter, r *http.Request, call chatCall, h head) {
	var text strings.Builder
	res, err := s.o.Turns.Turn(r.Context(), call.turn, words(func(delta string) error {
		text.WriteString(delta)
		return nil
	}))
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	if err != nil {
		writeError(w, turnError(r.Context(), err))
		return
	}
	h.Object = "chat.completion"
	writeJSON(w, http.StatusOK, completion{
		head:    h,
		Choices: []choice{{Message: message{Role: "assistant", Content: text.String()}, Finish: finishReason(res.Finish)}},
		Usage:   newUsage(res.Usage),
	})
}
