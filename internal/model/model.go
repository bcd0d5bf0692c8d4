package model

import "context"

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

// The reasons.
const (
	FinishStop          Finish = "stop"
	FinishLength        Finish = "length"
	FinishContentFilter Finish = "content_filter"
	FinishToolCalls     Finish = "tool_calls" // the model waits for the results
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
	// Stream answers a request: emit gets every piece of the answer as it comes. An error of
	// emit ends the answer and is returned as it is. Other errors are *Error, or the
	// context's when it ended first.
	Stream(ctx context.Context, r Request, emit func(Event) error) (Result, error)
}
