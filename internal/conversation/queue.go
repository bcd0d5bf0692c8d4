package conversation

import (
	"context"
	"sync"
)

// maxQueue limits how many turns of one session wait. Each keeps its request in memory.
const maxQueue = 64

// queue runs one turn per session at a time; the others wait in order. The zero value is ready to use. A session without turns
// takes no memory.
type queue struct {
	mu    sync.Mutex
	lines map[string]*line
}

// line is the queue of one session. The channel turn holds one token while no turn runs.
type line struct {
	turn   chan struct{}
	people int // how many turns run or wait
}

// enter waits until the caller may run a turn of the session. If it has to wait, it first calls waiting. The caller calls leave
// when its turn is done.
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

	// Go serves the receivers of a channel in the order in which they came.
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
