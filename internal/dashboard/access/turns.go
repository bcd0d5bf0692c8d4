package access

import (
	"context"
	"errors"
	"net/netip"
	"sync"
)

const (
	// atOnce is how many passwords are hashed at a time. Each takes a core.
	atOnce = 2
	// maxWaiting is how many attempts of one address wait for their turn.
	maxWaiting = 1024
)

// errCrowded reports that too many attempts wait.
var errCrowded = errors.New("too many logins at once")

// turns lets each address make one attempt at a time, so that somebody who sends many keeps nobody else waiting, and some
// hash at a time.
type turns struct {
	hashing chan struct{}

	mu      sync.Mutex
	sources map[netip.Prefix]*queue
}

// queue is one address's.
type queue struct {
	slot chan struct{}
	n    int
}

func newTurns() *turns {
	return &turns{hashing: make(chan struct{}, atOnce), sources: map[netip.Prefix]*queue{}}
}

// take waits for an address's turn. Call done when it is over.
func (t *turns) take(ctx context.Context, from netip.Prefix) (done func(), err error) {
	t.mu.Lock()
	q := t.sources[from]
	if q == nil {
		q = &queue{slot: make(chan struct{}, 1)}
		t.sources[from] = q
	}
	if q.n >= maxWaiting {
		t.mu.Unlock()
		return nil, errCrowded
	}
	q.n++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if q.n--; q.n == 0 {
			delete(t.sources, from)
		}
	}
	select {
	case q.slot <- struct{}{}:
		return func() { <-q.slot; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// hash waits until there is a core for a hash. Call done when it is made.
func (t *turns) hash(ctx context.Context) (done func(), err error) {
	select {
	case t.hashing <- struct{}{}:
		return func() { <-t.hashing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
