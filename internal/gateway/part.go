package gateway

import (
	"errors"
	"slices"
)

// part is one of the things that a gateway does. The gateway starts its parts in order, and drains and closes them in reverse
// order.
type part interface {
	// Start returns once the part works. If the part ends by itself later, it calls broken, once, and the gateway ends.
	Start(broken func(error)) error
	// Drain makes the part take nothing new. It does not wait for running turns: the gateway waits for the turns of all parts
	// together.
	Drain()
	// Close ends the part. The gateway calls it when no turn runs any more, and also if Start failed or was never called.
	Close() error
}

// channel is a part that receives messages.
type channel interface {
	part
	// Name is what the channel is called in gateway_state.json, below platforms.
	Name() string
	// Open makes the channel take messages. The gateway calls it after all parts have started and gateway_state.json says
	// "running".
	Open()
}

// calmer is a part that can release what a burst of turns left in it, such as open connections.
type calmer interface {
	// Calm is called some time after the last turn of a burst (returnAfter).
	Calm()
}

// parts are the parts of one gateway, in the order in which they start.
type parts []part

// start starts all parts. If one fails to start, it closes them all.
func (p parts) start(broken func(error)) error {
	for _, one := range p {
		if err := one.Start(broken); err != nil {
			return errors.Join(err, p.close())
		}
	}
	return nil
}

// open opens all channels.
func (p parts) open() {
	for _, one := range p {
		if c, ok := one.(channel); ok {
			c.Open()
		}
	}
}

// platforms returns the channels in the form that gateway_state.json has below "platforms".
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
