package access

import (
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// freeFailures is how often one address may be wrong before it has to wait.
	freeFailures = 5
	// longestWait is the longest that an address has to wait.
	longestWait = 15 * time.Minute
	// forgotten is how long a failure counts.
	forgotten = time.Hour
	// remembered is of how many addresses failures are kept: the latest.
	remembered = 10000
)

// limiter slows down who guesses: after some failures of an address each further one doubles the time before it may try
// again. An attempt counts as a failure from its beginning, so that many at once are as many as one after the other; who
// turns out to be right gets it back.
type limiter struct {
	mu    sync.Mutex
	known *lru.Cache[netip.Prefix, failures]
	now   func() time.Time
}

type failures struct {
	count int
	last  time.Time
	until time.Time
}

func newLimiter(now func() time.Time) *limiter {
	known, err := lru.New[netip.Prefix, failures](remembered)
	if err != nil {
		panic(err) // a size over zero is no error
	}
	return &limiter{known: known, now: now}
}

// who is what counts as one address: a network of IPv6 is one household.
func who(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// wait returns for how long an address may not try; zero if it may.
func (l *limiter) wait(a netip.Addr) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left(a)
}

func (l *limiter) left(a netip.Addr) time.Duration {
	f, ok := l.known.Get(who(a))
	if !ok {
		return 0
	}
	return max(0, f.until.Sub(l.now()))
}

// begin counts an attempt, before it is made. wait is how long the address may not try; then nothing is counted.
func (l *limiter) begin(a netip.Addr) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait = l.left(a); wait == 0 {
		l.count(a)
	}
	return wait
}

// failed counts a failure that was no attempt with a password.
func (l *limiter) failed(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count(a)
}

func (l *limiter) count(a netip.Addr) {
	now := l.now()
	f, _ := l.known.Get(who(a))
	if now.Sub(f.last) > forgotten+longestWait {
		f = failures{}
	}
	f.count++
	f.last = now
	if over := f.count - freeFailures; over > 0 {
		f.until = now.Add(min(longestWait, time.Second<<min(over-1, 20)))
	}
	l.known.Add(who(a), f)
}

// passed forgets the failures of an address: its attempt was right.
func (l *limiter) passed(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known.Remove(who(a))
}
