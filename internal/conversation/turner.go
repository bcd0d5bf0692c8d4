package conversation

import (
	"context"
	"errors"

	"hermes/internal/model"
)

// Turner answers turns. *Conversation is one; a gateway puts others around it.
type Turner interface {
	// Turn is Conversation.Turn; it may also return ErrDraining.
	Turn(ctx context.Context, r Request, emit func(model.Event) error) (model.Result, error)
}

// ErrDraining reports a turn that a gateway on its way out did not take, or broke off.
var ErrDraining = errors.New("the gateway is shutting down")

// Origin says where a message came from. What a channel does not have is empty.
type Origin struct {
	Channel string // the channel's name, as in gateway_state.json
	Chat    string // where in the channel: a room, a person's address
	Thread  string // which thread of the chat
	Sender  string // who wrote it
	// Key is the channel's name for the message. A chat never has two with the same key: it is remembered once, however often the channel
	// delivers it. A turn whose message was answered already ends with a *SaveError of store.ErrDouble.
	Key string
}
