package logs

import "container/heap"

// heads is a heap of tails, ordered by the time of their next line. If two times are equal, the earlier tail comes first.
type heads []head

type head struct {
	line Line
	from int
}

func (h heads) Len() int      { return len(h) }
func (h heads) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h heads) Less(i, j int) bool {
	if !h[i].line.at.Equal(h[j].line.at) {
		return h[i].line.at.Before(h[j].line.at)
	}
	return h[i].from < h[j].from
}
func (h *heads) Push(x any) { *h = append(*h, x.(head)) }
func (h *heads) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// merge passes the lines of all tails to out, ordered by time. If a tail cannot be read to its end, merge calls failed and goes on
// with the others.
func merge(tails []*tail, out func(Line) error, failed func(*tail, error)) error {
	var h heads
	advance := func(i int) {
		l, ok, err := tails[i].next()
		if err != nil {
			failed(tails[i], err)
		}
		if ok {
			heap.Push(&h, head{l, i})
		}
	}
	for i := range tails {
		advance(i)
	}
	for h.Len() > 0 {
		next := heap.Pop(&h).(head)
		if err := out(next.line); err != nil {
			return err
		}
		advance(next.from)
	}
	return nil
}

// batches collects lines and passes them on in groups.
type batches struct {
	sink Sink
	// last is how many of the last lines to pass on, at the end. If it is negative, all lines are passed on.
	last  int
	lines []Line
}

const batchSize = 512

func (b *batches) add(l Line) error {
	b.lines = append(b.lines, l)
	switch {
	case b.last >= 0 && len(b.lines) >= 2*b.last+batchSize:
		b.trim()
	case b.last < 0 && len(b.lines) == batchSize:
		return b.flush()
	}
	return nil
}

func (b *batches) trim() {
	n := copy(b.lines, b.lines[len(b.lines)-min(b.last, len(b.lines)):])
	clear(b.lines[n:])
	b.lines = b.lines[:n]
}

func (b *batches) flush() error {
	if b.last >= 0 {
		b.trim()
	}
	if len(b.lines) == 0 {
		return nil
	}
	lines := b.lines
	b.lines = nil
	return b.sink(lines)
}
