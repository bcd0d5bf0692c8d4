package model

import "time"

// Kind is why a provider did not answer.
type Kind string

// The kinds of failure that callers tell apart.
const (
	// RateLimited: asked too often. Trying again later helps.
	RateLimited Kind = "rate_limited"
	// Unavailable: broken, overloaded or out of reach. Trying again may help.
	Unavailable Kind = "unavailable"
	// Refused: the gateway's key, model name or account does not do. Its operator must act.
	Refused Kind = "refused"
	// BadRequest: this request cannot be answered, such as one over the model's context.
	BadRequest Kind = "bad_request"
)

// Error is a provider's failure. Msg goes to the client and into logs: it holds no secret.
type Error struct {
	Kind Kind
	Msg  string
	// RetryAfter is how long the provider asked to wait. 0 if it did not say.
	RetryAfter time.Duration
}

func (e *Error) Error() string { return e.Msg }
