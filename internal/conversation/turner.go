package conversation

import (
	"context"
	"errors"

	"hermes/internal/model"
)

// Turner answers turns. *Conversation is one; a gateway wraps others around it.
type Turner interface {
	// Turn is Conversation.Turn; it may also return ErrDraining.
	Turn(ctx context.Context, r Request, emit func(model.Event) error) (model.Result, error)
}

// ErrDraining reports a turn that a draining gateway refused or broke off.
var ErrDraining = errors.New("the gateway is shutting down")

// Origin says where a message came from. A field that the channel does not have is empty.
type Origin struct {
	Channel string // the channel's name, as in gateway_state.json
	Chat    string // the place within the channel: a room, or a person's address
	Thread  string // which thread of the chat
	Sender  string // who wrote it
	// Key identifies the message within its chat; the channel chooses it. A message that the channel delivers more than once is
	// stored once. If it was answered already, its turn ends with a *SaveError of store.ErrDouble.
	Key string
}
