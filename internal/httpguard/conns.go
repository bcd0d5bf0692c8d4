package httpguard

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// Limits limits the connections of one server.
type Limits struct {
	// Total is how many connections the server may have at a time; PerAddress is how many of them may come from one address. A /64
	// network of IPv6 counts as one address.
	Total, PerAddress int
	// Exempt says which addresses have no limit of their own, such as trusted proxies; nil means none.
	Exempt func(netip.Addr) bool
}

// Conns counts the connections of one server. When a limit is reached, a new connection replaces the one that has been idle for
// longest. Idle means that no whole request has arrived since the last answer. If every connection is being answered, the new one is
// closed.
type Conns struct {
	limits Limits

	mu      sync.Mutex
	total   int
	sources map[netip.Prefix]*source
	idle    *list.List // of *conn; the one that has been idle for longest is first
}

// source is one address with connections.
type source struct {
	count int
	idle  *list.List // of *conn, in the order of Conns.idle
}

// conn is a counted connection.
type conn struct {
	net.Conn
	owner  *Conns
	from   netip.Prefix
	gone   bool          // it is not counted any more
	inAll  *list.Element // its place in Conns.idle; nil while the connection is being answered
	inFrom *list.Element // its place in source.idle
}

// NewConns returns a Conns with these limits.
func NewConns(l Limits) *Conns {
	return &Conns{limits: l, sources: map[netip.Prefix]*source{}, idle: list.New()}
}

// Guard makes c follow the states of a server's connections. Serve that server with Listener.
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

// waiting marks the connection of a request as idle, because the server waits for the client; arrived ends that.
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

// Listener accepts the connections of l within the limits.
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

// abort closes a connection at once and drops data that was not delivered yet.
func abort(nc net.Conn) {
	if t, ok := nc.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // otherwise the kernel would keep the data and try to deliver it
	}
	nc.Close()
}

// admit counts a new connection, which may replace an idle one. It returns nil if there is no room.
func (c *Conns) admit(nc net.Conn) *conn {
	var addr netip.Addr
	if ap, err := netip.ParseAddrPort(nc.RemoteAddr().String()); err == nil {
		addr = ap.Addr().Unmap().WithZone("")
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	from, _ := addr.Prefix(bits) // an address that cannot be parsed counts as the zero Prefix
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

// add counts a connection and puts it on the lists of the idle. The caller holds the lock.
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

// drop stops counting a connection; a second call does nothing. The caller holds the lock.
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

// busy takes a connection off the lists of the idle. The caller holds the lock.
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

// Close closes the connection and stops counting it.
func (k *conn) Close() error {
	k.owner.forget(k)
	return k.Conn.Close()
}
