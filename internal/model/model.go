package model

import "context"

// Role says who wrote a message.
type Role string

// The roles of a history. System text is not part of it: see Request.System.
const (
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one entry of a history.
type Message struct {
	Role    Role
	Content string
}

// Params tune one answer. A nil field leaves the choice to the provider.
type Params struct {
	MaxTokens        *int64
	Temperature      *float64
	TopP             *float64
	PresencePenalty  *float64
	FrequencyPenalty *float64
}

// Request is what a provider answers: the system prompt, the history and, as its
// last entry, the user's new words.
type Request struct {
	System   string
	Messages []Message
	Params   Params
}

// Usage counts tokens, as the provider counts them. Zero means unknown.
type Usage struct {
	Input  int64
	Output int64
}

// Finish says why an answer ended.
type Finish string

// The reasons that OpenAI's wire format knows.
const (
	FinishStop          Finish = "stop"
	FinishLength        Finish = "length"
	FinishContentFilter Finish = "content_filter"
)

// Result is what is known once an answer is complete.
type Result struct {
	Finish Finish
	Usage  Usage
}

// Provider answers requests.
type Provider interface {
	// Name is what clients see as the model's name.
	Name() string
	// Stream answers a request: emit gets every piece of text as it comes. An error of
	// emit ends the answer and is returned as it is. Other errors are *Error, or the
	// context's when it ended first.
	Stream(ctx context.Context, r Request, emit func(delta string) error) (Result, error)
}
