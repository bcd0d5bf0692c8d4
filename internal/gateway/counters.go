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

// saveCountersAfter is how long after the first unsaved change metrics.json is written; one write covers all turns in between.
// An idle gateway writes nothing and runs no timer.
const saveCountersAfter = time.Second

// counters counts what goes through to the conversation, for the dashboard's metrics.
type counters struct {
	next conversation.Turner
	home profile.Home
	log  *slog.Logger

	mu      sync.Mutex
	now     profile.Counters
	pending *time.Timer // nil if every change is in metrics.json

	saving sync.Mutex // is locked before mu; a slow write of the file holds up no turn, because turns lock only mu
	failed bool       // the failure to write is in the log already
}

// newCounters continues the counts that the profile's earlier gateways saved.
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

// save writes the changes that are not in the file yet. The gateway calls it once more when it ends.
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
