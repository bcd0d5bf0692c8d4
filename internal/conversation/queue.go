package conversation

import (
	"context"
	"sync"
)

// maxQueue bounds how many turns of one session wait, each with its request in memory.
const maxQueue = 64

// queue lets one turn per session run and the others wait in their order. The zero
// queue is ready. A session that nobody talks to takes no room.
type queue struct {
	mu    sync.Mutex
	lines map[string]*line
}

// line is one session's: turn holds a token while nobody runs.
type line struct {
	turn   chan struct{}
	people int // running and waiting
}

// enter waits for the session's turn; waiting is called first if there is something to wait for. The caller calls leave when
// it is done.
func (q *queue) enter(ctx context.Context, session string, waiting func()) (leave func(), err error) {
	q.mu.Lock()
	if q.lines == nil {
		q.lines = map[string]*line{}
	}
	l := q.lines[session]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		l.turn <- struct{}{}
		q.lines[session] = l
	}
	if l.people > maxQueue {
		q.mu.Unlock()
		return nil, ErrBusy
	}
	l.people++
	first := l.people == 1
	q.mu.Unlock()
	if !first {
		waiting()
	}

	// Receivers of a channel are served first come, first served.
	select {
	case <-l.turn:
		return func() { l.turn <- struct{}{}; q.gone(session, l) }, nil
	case <-ctx.Done():
		q.gone(session, l)
		return nil, ctx.Err()
	}
}

func (q *queue) gone(session string, l *line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l.people--; l.people == 0 {
		delete(q.lines, session)
	}
}
