package access

import (
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// freeFailures is how many wrong attempts an address may make before it has to wait.
	freeFailures = 5
	// longestWait is the longest that an address has to wait.
	longestWait = 15 * time.Minute
	// forgotten is for how long after the longest wait a failure counts.
	forgotten = time.Hour
	// remembered is for how many addresses failures are kept. If there are more, the address is forgotten that was seen longest ago.
	remembered = 10000
)

// limiter slows guessing down. After freeFailures wrong attempts an address has to wait, and each further one doubles that time. An attempt
// with a password is counted as a failure when it begins, so many attempts at the same time are counted like as many one after the other.
// If it is right, the failures of its address are forgotten.
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

// who returns what counts as one address: an IPv4 address, or the /64 network of an IPv6 address, which usually belongs to one household.
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

// left is wait for callers that hold mu.
func (l *limiter) left(a netip.Addr) time.Duration {
	f, ok := l.known.Get(who(a))
	if !ok {
		return 0
	}
	return max(0, f.until.Sub(l.now()))
}

// begin counts an attempt before it is made. If the address has to wait, it counts nothing and returns how long.
func (l *limiter) begin(a netip.Addr) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait = l.left(a); wait == 0 {
		l.count(a)
	}
	return wait
}

// failed counts a failure that begin has not counted: a wrong token, link or answer of the issuer.
func (l *limiter) failed(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count(a)
}

// count counts a failure, for callers that hold mu.
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

// passed forgets the failures of an address, whose attempt was right.
func (l *limiter) passed(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known.Remove(who(a))
}
