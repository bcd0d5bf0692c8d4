package gateway

import (
	"errors"
	"slices"
)

// part is something that a gateway does. The parts are started in their order; they drain, and are closed, in the reverse order.
type part interface {
	// Start begins, and returns once the part works. If the part later ends by itself it calls broken, once, and the gateway
	// ends.
	Start(broken func(error)) error
	// Drain takes nothing new from now on. It does not wait for turns: the gateway does that for all parts together.
	Drain()
	// Close ends the part, when no turn runs any more. It is also called for a part that was not started, or could not be.
	Close() error
}

// channel is a part that brings messages.
type channel interface {
	part
	// Name is what the channel is called in gateway_state.json, below platforms.
	Name() string
	// Open takes messages from now on. It is called when all parts have started, and gateway_state.json says so.
	Open()
}

// calmer is a part that can let go of what many turns left with it.
type calmer interface {
	// Calm is called a little after the last of them.
	Calm()
}

// parts are those of one gateway.
type parts []part

// start starts all parts. If one cannot, all are closed.
func (p parts) start(broken func(error)) error {
	for _, one := range p {
		if err := one.Start(broken); err != nil {
			return errors.Join(err, p.close())
		}
	}
	return nil
}

// open lets the channels take messages.
func (p parts) open() {
	for _, one := range p {
		if c, ok := one.(channel); ok {
			c.Open()
		}
	}
}

// platforms are the channels as gateway_state.json has them.
func (p parts) platforms() map[string]string {
	m := map[string]string{}
	for _, one := range p {
		if c, ok := one.(channel); ok {
			m[c.Name()] = "running"
		}
	}
	return m
}

func (p parts) calm() {
	for _, one := range p {
		if c, ok := one.(calmer); ok {
			c.Calm()
		}
	}
}

func (p parts) drain() {
	for _, one := range slices.Backward(p) {
		one.Drain()
	}
}

func (p parts) close() error {
	var errs []error
	for _, one := range slices.Backward(p) {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}
