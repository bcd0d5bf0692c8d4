package access

import (
	"context"
	"errors"
	"net/netip"
	"sync"
)

const (
	// atOnce is how many passwords are hashed at the same time. Each hash keeps a core busy.
	atOnce = 2
	// maxWaiting is how many attempts of one address may wait for their turn.
	maxWaiting = 1024
)

// errCrowded reports that too many attempts of the same address wait.
var errCrowded = errors.New("too many logins at once")

// turns lets each address make one attempt at a time, so that somebody who sends many attempts does not keep others waiting. Of all
// addresses together, atOnce hash at the same time.
type turns struct {
	hashing chan struct{}

	mu      sync.Mutex
	sources map[netip.Prefix]*queue
}

// queue is the attempts of one address.
type queue struct {
	slot chan struct{} // full while an attempt is under way
	n    int           // attempts under way and waiting
}

func newTurns() *turns {
	return &turns{hashing: make(chan struct{}, atOnce), sources: map[netip.Prefix]*queue{}}
}

// take waits until no other attempt of an address is under way. Call done when this attempt is over.
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

// hash waits until fewer than atOnce hashes are being made. Call done when this hash is made.
func (t *turns) hash(ctx context.Context) (done func(), err error) {
	select {
	case t.hashing <- struct{}{}:
		return func() { <-t.hashing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
