package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"hermes/internal/conversation"
	"hermes/internal/model"
	"hermes/internal/profile"
)

// saveCountersAfter is how long after a change metrics.json is written: once for all turns in between. A gateway that is
// idle writes nothing, and has no timer.
const saveCountersAfter = time.Second

// counters counts what goes through to the conversation, for the dashboard's metrics.
type counters struct {
	next conversation.Turner
	home profile.Home
	log  *slog.Logger

	mu      sync.Mutex
	now     profile.Counters
	pending *time.Timer // nil if everything is written

	saving sync.Mutex // is taken before mu: who writes holds up no turn
	failed bool       // said already
}

// newCounters goes on from what the gateways before counted.
func newCounters(next conversation.Turner, h profile.Home, log *slog.Logger) *counters {
	c := &counters{next: next, home: h, log: log}
	var err error
	if c.now, err = profile.ReadCounters(h); err != nil {
		log.Warn("counting from zero", "error", err)
	}
	return c
}

// Turn implements conversation.Turner.
func (c *counters) Turn(ctx context.Context, r conversation.Request, emit func(model.Event) error) (model.Result, error) {
	start := time.Now()
	c.change(func(n *profile.Counters) {
		n.MessagesIn++
		n.LastMessage = start.UTC().Truncate(time.Second)
	})
	res, err := c.next.Turn(ctx, r, emit)
	c.change(func(n *profile.Counters) {
		n.Turns++
		n.TurnSeconds += time.Since(start).Seconds()
		var unsaved *conversation.SaveError
		switch {
		case err == nil:
			n.MessagesOut++
		case ctx.Err() == nil && !errors.As(err, &unsaved) && !errors.Is(err, conversation.ErrBusy):
			n.ModelErrors++
		}
	})
	return res, err
}

func (c *counters) change(f func(*profile.Counters)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.now)
	if c.pending == nil {
		c.pending = time.AfterFunc(saveCountersAfter, c.save)
	}
}

// save writes what is not written yet. It is called once more when the gateway ends.
func (c *counters) save() {
	c.saving.Lock()
	defer c.saving.Unlock()
	c.mu.Lock()
	if c.pending == nil {
		c.mu.Unlock()
		return
	}
	c.pending.Stop()
	c.pending = nil
	now := c.now
	c.mu.Unlock()
	err := profile.WriteCounters(c.home, now)
	if err != nil && !c.failed {
		c.log.Warn("cannot write down what was counted", "error", err)
	}
	c.failed = err != nil
}
