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

// Many turns leave more behind than one: connections that their clients keep, each with its buffers and its stack, pools that two
// collections empty (sync.Pool), and stacks that each collection halves. After a burst, which is more than that many turns with no calm
// between them, the connections are closed, and memory is given back that often, returnAgain apart.
const (
	burst        = 32
	returnRounds = 3
	returnAgain  = time.Second
)

// turns counts the turns that run, lets no new one in once closed, and tidies up after
// the last. It stands between the channels and the conversation.
type turns struct {
	next conversation.Turner

	mu     sync.Mutex
	active int
	since  int // how many there were since it was last calm
	rounds int // still to come
	closed bool
	done   chan struct{} // closed when closed and none is left
	tidy   *time.Timer
	free   func() // debug.FreeOSMemory, but for tests
	calm   func() // lets go of what a burst left; nil if nothing does
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

// giveBack is called some time after the last turn.
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
