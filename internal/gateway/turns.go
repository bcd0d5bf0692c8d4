package gateway

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"hermes/internal/conversation"
	"hermes/internal/model"
)

// returnAfter is how long after the last turn memory goes back to the system. Go keeps
// what a burst took for minutes; a thousand gateways cannot.
const returnAfter = 2500 * time.Millisecond

// turns counts the turns that run, lets no new one in once closed, and tidies up after
// the last. It stands between the channels and the conversation.
type turns struct {
	next conversation.Turner

	mu     sync.Mutex
	active int
	closed bool
	done   chan struct{} // closed when closed and none is left
	tidy   *time.Timer
	free   func() // debug.FreeOSMemory, but for tests
}

func newTurns(next conversation.Turner) *turns {
	return &turns{next: next, done: make(chan struct{}), free: debug.FreeOSMemory}
}

// Turn implements conversation.Turner.
func (t *turns) Turn(ctx context.Context, r conversation.Request, emit func(model.Event) error) (model.Result, error) {
	if !t.begin() {
		return model.Result{}, conversation.ErrDraining
	}
	defer t.end()
	return t.next.Turn(ctx, r, emit)
}

func (t *turns) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.active++
	if t.tidy != nil {
		t.tidy.Stop()
	}
	return true
}

func (t *turns) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.active--; t.active > 0 {
		return
	}
	switch {
	case t.closed:
		close(t.done)
	case t.tidy == nil:
		t.tidy = time.AfterFunc(returnAfter, t.free)
	default:
		t.tidy.Reset(returnAfter)
	}
}

// close lets no new turn in and returns how many still run. Call it once.
func (t *turns) close() (active int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.tidy != nil {
		t.tidy.Stop()
	}
	if t.active == 0 {
		close(t.done)
	}
	return t.active
}
