package conversation

import (
	"context"
	"errors"

	"hermes/internal/model"
)

// Turner answers turns. *Conversation is one; a gateway puts others around it.
type Turner interface {
	// Turn is Conversation.Turn; it may also return ErrDraining.
	Turn(ctx context.Context, r Request, emit func(string) error) (model.Result, error)
}

// ErrDraining reports a turn that a gateway on its way out did not take, or broke off.
var ErrDraining = errors.New("the gateway is shutting down")
