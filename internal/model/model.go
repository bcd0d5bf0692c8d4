package model

import "context"

// Params tune one answer. For a nil field the provider chooses.
type Params struct {
	MaxTokens        *int64
	Temperature      *float64
	TopP             *float64
	PresencePenalty  *float64
	FrequencyPenalty *float64
}

// Request is what a provider has to answer: the system prompt and the history, whose last entry is the user's new words.
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

// The reasons why an answer ends.
const (
	FinishStop          Finish = "stop"
	FinishLength        Finish = "length"
	FinishContentFilter Finish = "content_filter"
	FinishToolCalls     Finish = "tool_calls" // the model waits for the results of its calls
)

// Result describes a complete answer.
type Result struct {
	Finish Finish
	Usage  Usage
}

// Provider answers requests.
type Provider interface {
	// Name is the model's name, as clients see it.
	Name() string
	// Stream answers a request and passes every piece of the answer to emit as it arrives. If emit returns an error, the answer ends
	// and Stream returns that error unchanged. Any other error is *Error, or the error of ctx if ctx ended first.
	Stream(ctx context.Context, r Request, emit func(Event) error) (Result, error)
}
