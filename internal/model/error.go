package model

import "time"

// Kind says why a provider did not answer.
type Kind string

// The kinds of failure that callers tell apart.
const (
	// RateLimited: the provider was asked too often. Trying again later helps.
	RateLimited Kind = "rate_limited"
	// Unavailable: the provider is broken, overloaded or out of reach. Trying again may help.
	Unavailable Kind = "unavailable"
	// Refused: the provider does not accept the gateway's key, model name or account. The operator must change that.
	Refused Kind = "refused"
	// BadRequest: this request cannot be answered, for example because it is longer than the model's context.
	BadRequest Kind = "bad_request"
)

// Error is a provider's failure. Msg is shown to the client and logged, so it holds no secret.
type Error struct {
	Kind Kind
	Msg  string
	// RetryAfter is how long the provider asked to wait, or 0 if it did not say.
	RetryAfter time.Duration
}

func (e *Error) Error() string { return e.Msg }
