package gateway

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"hermes/internal/conversation"
	"hermes/internal/model"
)

// returnAfter is how long after the last turn the gateway returns memory to the system. Go would keep the memory of a burst for
// minutes, which is too much with a thousand gateways.
const returnAfter = 2500 * time.Millisecond

// Many turns leave more memory behind than one does: connections that clients keep open, each with buffers and a stack; pools
// that only the second collection empties (sync.Pool); and stacks that each collection halves. More than burst turns without a
// calm between them are a burst. After one, the gateway closes idle connections and returns memory returnRounds times,
// returnAgain apart.
const (
	burst        = 32
	returnRounds = 3
	returnAgain  = time.Second
)

// turns stands between the channels and the conversation. It counts the running turns, refuses new ones once it is closed, and
// returns memory after the last one.
type turns struct {
	next conversation.Turner

	mu     sync.Mutex
	active int
	since  int // how many turns began since the last calm
	rounds int // how many times memory is still to be returned
	closed bool
	done   chan struct{} // closed after close, when no turn is left
	tidy   *time.Timer
	free   func() // debug.FreeOSMemory; tests set another
	calm   func() // releases what a burst left; may be nil
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
	t.since++
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
	default:
		t.rounds = 1
		if t.since > burst {
			t.rounds = returnRounds
		}
		if t.tidy == nil {
			t.tidy = time.AfterFunc(returnAfter, t.giveBack)
		} else {
			t.tidy.Reset(returnAfter)
		}
	}
}

// giveBack returns memory if no turn runs. The timer tidy calls it.
func (t *turns) giveBack() {
	t.mu.Lock()
	quiet, left := t.active == 0 && !t.closed, t.since > burst
	if quiet {
		t.since = 0
		if t.rounds--; t.rounds > 0 {
			t.tidy.Reset(returnAgain)
		}
	}
	t.mu.Unlock()
	if !quiet {
		return
	}
	if left && t.calm != nil {
		t.calm()
	}
	t.free()
}

// close refuses new turns from now on and returns how many still run. Call it once.
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
