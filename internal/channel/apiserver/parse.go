package apiserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"hermes/internal/conversation"
	"hermes/internal/model"
	"hermes/internal/store"
)

// chatRequest has the fields of a request for a chat completion that this API uses. Other fields that clients send (tools, seeds,
// user names) are ignored, as other servers do.
type chatRequest struct {
	Messages      []json.RawMessage `json:"messages"`
	Stream        bool              `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	N                   *int     `json:"n"`
	MaxTokens           *int64   `json:"max_tokens"`
	MaxCompletionTokens *int64   `json:"max_completion_tokens"`
	Temperature         *float64 `json:"temperature"`
	TopP                *float64 `json:"top_p"`
	PresencePenalty     *float64 `json:"presence_penalty"`
	FrequencyPenalty    *float64 `json:"frequency_penalty"`
}

// chatCall is a request after parsing.
type chatCall struct {
	turn         conversation.Request
	stream       bool
	includeUsage bool
}

// bad returns an error with status 400 that names the field.
func bad(param, format string, args ...any) *apiError {
	msg := fmt.Sprintf(format, args...)
	if param != "" {
		msg = param + ": " + msg
	}
	return &apiError{status: http.StatusBadRequest, Type: typeInvalid, Param: param, Code: "invalid_request", Message: msg}
}

// parseChat reads the body of a request. Its errors are *apiError and quote nothing from the body.
func parseChat(body io.Reader, session []string) (chatCall, error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return chatCall{}, bad("", "cannot read the request's body")
	}
	var req chatRequest
	if err := json.Unmarshal(data, &req); err != nil {
		return chatCall{}, jsonError(err)
	}
	c := chatCall{stream: req.Stream, includeUsage: req.StreamOptions.IncludeUsage}
	c.turn.Origin.Channel = Name
	if c.turn.Session, err = parseSession(session); err != nil {
		return c, err
	}
	if c.turn.Params, err = req.params(); err != nil {
		return c, err
	}
	if c.turn.System, c.turn.Messages, err = parseMessages(req.Messages); err != nil {
		return c, err
	}
	if c.turn.NewWords() == "" {
		return c, bad("messages", "the last message must be the user's, and not empty")
	}
	return c, nil
}

func jsonError(err error) *apiError {
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return bad(wrongType.Field, "want %s, not %s", typeWord(wrongType.Type.Kind().String()), wrongType.Value)
	case errors.As(err, &wrongType):
		return bad("", "want a JSON object")
	case errors.As(err, &syntax):
		return bad("", "the body is not JSON: %s, at byte %d", syntax.Error(), syntax.Offset)
	}
	return bad("", "the body is not JSON")
}

// typeWord returns JSON's name of a Go kind.
func typeWord(kind string) string {
	switch {
	case strings.HasPrefix(kind, "int"):
		return "a whole number"
	case strings.HasPrefix(kind, "float"):
		return "a number"
	case kind == "bool":
		return "true or false"
	case kind == "slice":
		return "an array"
	case kind == "string":
		return "a string"
	}
	return "an object"
}

func parseSession(header []string) (string, error) {
	if len(header) == 0 {
		return "", nil
	}
	if len(header) > 1 || !store.ValidSessionID(header[0]) {
		return "", bad("X-Hermes-Session", "want one id of 1 to %d printable characters without spaces", store.MaxSessionID)
	}
	return header[0], nil
}

func (r *chatRequest) params() (model.Params, error) {
	p := model.Params{MaxTokens: r.MaxCompletionTokens, Temperature: r.Temperature, TopP: r.TopP,
		PresencePenalty: r.PresencePenalty, FrequencyPenalty: r.FrequencyPenalty}
	name := "max_completion_tokens"
	if p.MaxTokens == nil {
		name, p.MaxTokens = "max_tokens", r.MaxTokens
	}
	if p.MaxTokens != nil && *p.MaxTokens < 1 {
		return p, bad(name, "want 1 or more")
	}
	if r.N != nil && *r.N != 1 {
		return p, bad("n", "only 1 answer per request is supported")
	}
	for _, f := range []struct {
		name     string
		v        *float64
		min, max float64
	}{
		{"temperature", p.Temperature, 0, 2}, {"top_p", p.TopP, 0, 1},
		{"presence_penalty", p.PresencePenalty, -2, 2}, {"frequency_penalty", p.FrequencyPenalty, -2, 2},
	} {
		if f.v != nil && (*f.v < f.min || *f.v > f.max) {
			return p, bad(f.name, "want %g to %g", f.min, f.max)
		}
	}
	return p, nil
}

// maxMessages limits the length of a history, because each message costs more memory than its bytes.
const maxMessages = 20_000

// parseMessages splits a messages array into system text and history.
func parseMessages(raw []json.RawMessage) (system string, msgs []model.Message, err error) {
	if len(raw) == 0 {
		return "", nil, bad("messages", "want at least one message")
	}
	if len(raw) > maxMessages {
		return "", nil, bad("messages", "want at most %d", maxMessages)
	}
	var systems []string
	for i, data := range raw {
		at := fmt.Sprintf("messages[%d]", i)
		var m *struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		}
		if err := json.Unmarshal(data, &m); err != nil || m == nil {
			return "", nil, bad(at, "want an object with role and content")
		}
		text, err := parseContent(at+".content", m.Content)
		if err != nil {
			return "", nil, err
		}
		switch m.Role {
		case "system", "developer":
			if text != "" {
				systems = append(systems, text)
			}
		case "user":
			msgs = append(msgs, model.TextMessage(model.User, text))
		case "assistant":
			msgs = append(msgs, model.TextMessage(model.Assistant, text))
		default:
			return "", nil, bad(at+".role", "want system, developer, user or assistant")
		}
	}
	return strings.Join(systems, "\n\n"), msgs, nil
}

// parseContent takes a string, an array of text parts, or null, which stands for an assistant's message that only called tools.
func parseContent(at string, data json.RawMessage) (string, error) {
	if len(data) == 0 || string(data) == "null" {
		return "", nil
	}
	var text string
	if json.Unmarshal(data, &text) == nil {
		return text, nil
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(data, &parts); err != nil {
		return "", bad(at, "want a string or an array of text parts")
	}
	var b strings.Builder
	for i, p := range parts {
		if p.Type != "text" {
			return "", bad(fmt.Sprintf("%s[%d].type", at, i), "only text is supported")
		}
		b.WriteString(p.Text)
	}
	return b.String(), nil
}
