package httpguard

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// Limits bound the connections of one server.
type Limits struct {
	// Total is how many connections there are at a time, PerAddress how many of one address; a /64 network of IPv6 counts
	// as one address.
	Total, PerAddress int
	// Exempt are addresses without a limit of their own, such as trusted proxies; nil means none.
	Exempt func(netip.Addr) bool
}

// Conns are the connections of one server. Where a limit is reached, the connection that has been idle for longest makes
// room: one on which nothing was asked yet, or not asked whole, or nothing is asked any more. If all of them are being
// answered, the new one is closed.
type Conns struct {
	limits Limits

	mu      sync.Mutex
	total   int
	sources map[netip.Prefix]*source
	idle    *list.List // of *conn, the one that is idle for longest first
}

// source is one address.
type source struct {
	count int
	idle  *list.List // of *conn, as in Conns
}

// conn is a connection that is counted.
type conn struct {
	net.Conn
	owner  *Conns
	from   netip.Prefix
	gone   bool          // it is counted no more
	inAll  *list.Element // in Conns.idle; nil while it is answered
	inFrom *list.Element // in source.idle
}

// NewConns returns connections within limits.
func NewConns(l Limits) *Conns {
	return &Conns{limits: l, sources: map[netip.Prefix]*source{}, idle: list.New()}
}

// Guard makes a server's connections these. Serve it with Listener.
func (c *Conns) Guard(s *http.Server) {
	next := s.ConnState
	s.ConnState = func(nc net.Conn, state http.ConnState) {
		if k, ok := nc.(*conn); ok {
			switch state {
			case http.StateNew, http.StateIdle:
				c.rest(k)
			case http.StateActive:
				c.work(k)
			case http.StateHijacked, http.StateClosed:
				c.forget(k)
			}
		}
		if next != nil {
			next(nc, state)
		}
	}
	s.ConnContext = func(ctx context.Context, nc net.Conn) context.Context { return context.WithValue(ctx, connKey{}, nc) }
}

type connKey struct{}

// waiting tells that a request's connection waits for the client again, arrived that it does no more.
func waiting(r *http.Request) {
	if k, ok := r.Context().Value(connKey{}).(*conn); ok {
		k.owner.rest(k)
	}
}

func arrived(r *http.Request) {
	if k, ok := r.Context().Value(connKey{}).(*conn); ok {
		k.owner.work(k)
	}
}

// Listener accepts connections within the limits.
func (c *Conns) Listener(l net.Listener) net.Listener { return &listener{l, c} }

type listener struct {
	net.Listener
	conns *Conns
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if k := l.conns.admit(nc); k != nil {
			return k, nil
		}
		abort(nc)
	}
}

// abort closes a connection without waiting for anybody to hear of it.
func abort(nc net.Conn) {
	if t, ok := nc.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // else the kernel keeps what is not delivered
	}
	nc.Close()
}

// admit counts a new connection, or returns nil if there is no room.
func (c *Conns) admit(nc net.Conn) *conn {
	var addr netip.Addr
	if ap, err := netip.ParseAddrPort(nc.RemoteAddr().String()); err == nil {
		addr = ap.Addr().Unmap().WithZone("")
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	from, _ := addr.Prefix(bits) // the zero Prefix for what has no address
	k := &conn{Conn: nc, owner: c, from: from}
	exempt := c.limits.Exempt != nil && c.limits.Exempt(addr)

	c.mu.Lock()
	var out *conn
	s := c.sources[from]
	switch {
	case s != nil && !exempt && s.count >= c.limits.PerAddress:
		out = oldest(s.idle)
	case c.total >= c.limits.Total:
		out = oldest(c.idle)
	default:
		c.add(k)
		c.mu.Unlock()
		return k
	}
	if out != nil {
		c.drop(out)
		c.add(k)
	}
	c.mu.Unlock()
	if out == nil {
		return nil
	}
	abort(out.Conn)
	return k
}

func oldest(l *list.List) *conn {
	if e := l.Front(); e != nil {
		return e.Value.(*conn)
	}
	return nil
}

// add counts a connection, which is idle. The lock is held.
func (c *Conns) add(k *conn) {
	s := c.sources[k.from]
	if s == nil {
		s = &source{idle: list.New()}
		c.sources[k.from] = s
	}
	s.count++
	c.total++
	k.inAll, k.inFrom = c.idle.PushBack(k), s.idle.PushBack(k)
}

// drop counts a connection no more. The lock is held. A second time is none.
func (c *Conns) drop(k *conn) {
	if k.gone {
		return
	}
	c.busy(k)
	k.gone = true
	c.total--
	s := c.sources[k.from]
	if s.count--; s.count == 0 {
		delete(c.sources, k.from)
	}
}

// busy takes a connection off the lists of the idle. The lock is held.
func (c *Conns) busy(k *conn) {
	if k.inAll == nil {
		return
	}
	c.idle.Remove(k.inAll)
	c.sources[k.from].idle.Remove(k.inFrom)
	k.inAll, k.inFrom = nil, nil
}

func (c *Conns) rest(k *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sources[k.from]; s != nil && k.inAll == nil && !k.gone {
		k.inAll, k.inFrom = c.idle.PushBack(k), s.idle.PushBack(k)
	}
}

func (c *Conns) work(k *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy(k)
}

func (c *Conns) forget(k *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(k)
}

// Close closes the connection and makes room for another.
func (k *conn) Close() error {
	k.owner.forget(k)
	return k.Conn.Close()
}
