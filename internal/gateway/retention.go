package gateway

import (
	"context"
	"log/slog"
	"time"

	"hermes/internal/profile/config"
	"hermes/internal/store"
)

const (
	// pruneAfter is how long after its start a gateway first removes sessions that its configuration does not keep. A machine
	// without a battery-backed clock has set its time by then; with a time years ahead, every session would look old.
	pruneAfter = 10 * time.Minute
	// pruneEvery is how often it removes them after that.
	pruneEvery = 24 * time.Hour
)

// pruner removes sessions. *store.Store is one.
type pruner interface {
	Prune(ctx context.Context, keep store.Retention, now time.Time) (store.Removed, error)
}

// retentionOf returns which sessions a configuration keeps.
func retentionOf(c config.Config) store.Retention {
	return store.Retention{MaxAge: c.Sessions.Age(), MaxMessages: c.Sessions.MaxMessages}
}

// pruning is the part that removes sessions and messages that the configuration does not keep.
type pruning struct {
	pruner pruner
	keep   store.Retention
	log    *slog.Logger
	stop   func() // nil before Start
}

// Start implements part.
func (p *pruning) Start(func(error)) error {
	p.stop = retain(p.pruner, p.keep, p.log, pruneAfter, pruneEvery)
	return nil
}

// Drain implements part. It stops the pruning, so that the gateway need not wait for it later.
func (p *pruning) Drain() {
	if p.stop != nil {
		p.stop()
	}
}

// Close implements part.
func (p *pruning) Close() error { p.Drain(); return nil }

// retain calls Prune once the time after is over, and from then on at intervals of every, until stop is called; stop waits until the
// pruning has ended. If everything is kept, retain does nothing.
func retain(p pruner, keep store.Retention, log *slog.Logger, after, every time.Duration) (stop func()) {
	if !keep.On() {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for wait := time.NewTimer(after); ; wait.Reset(every) {
			select {
			case <-ctx.Done():
				wait.Stop()
				return
			case <-wait.C:
			}
			gone, err := p.Prune(ctx, keep, time.Now())
			if gone != (store.Removed{}) {
				log.Info("old sessions removed", "sessions", gone.Sessions, "messages", gone.Messages)
			}
			if err != nil && ctx.Err() == nil {
				log.Warn("old sessions stay", "error", err)
			}
		}
	}()
	return func() { cancel(); <-ended }
}
