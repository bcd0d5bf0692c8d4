package apiserver

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"hermes/internal/conversation"
	"hermes/internal/httpguard"
)

// Limits of a client's patience with us and ours with it.
const (
	maxBody        = 4 << 20
	maxHeaderBytes = 32 << 10
	headerTimeout  = 10 * time.Second
	// bodyStall is how long a client may pause in a request, bodyTimeout how long all of it may take.
	bodyStall   = 10 * time.Second
	bodyTimeout = 60 * time.Second
	// maxBodies is how much of requests is held at a time while they arrive.
	maxBodies = 64 << 20
	// maxConns is how many connections there are at a time, maxConnsFrom how many of one address. Proxies are on loopback.
	maxConns     = 4096
	maxConnsFrom = 512
	idleTimeout  = 60 * time.Second
	// writeTimeout is for one chunk, not for an answer: a client that reads nothing for
	// this long is dead.
	writeTimeout = 30 * time.Second
	// keepAlive is the longest silence in a stream: proxies give up after 30 s to 60 s (proxy_read_timeout of nginx: 60 s).
	keepAlive = 15 * time.Second
	// closeTimeout is for handing the last bytes to the kernel.
	closeTimeout = time.Second
)

// Options says what a Server serves.
type Options struct {
	Key   string // secret; the bearer key of /v1
	Model string // the model's name, as clients see it
	Turns conversation.Turner
	Log   *slog.Logger
	// KeepAlive is the longest silence in a stream. 0 means 15 s.
	KeepAlive time.Duration
}

// Server is the API of one gateway. It is not ready until SetReasons says so.
type Server struct {
	o       Options
	key     [sha256.Size]byte
	created int64
	reasons atomic.Pointer[[]string] // why not ready; empty when ready
	http    *http.Server
	conns   *httpguard.Conns
	bodies  httpguard.Bodies
	closing time.Duration // how long Close waits

	mu    sync.Mutex
	fresh map[net.Conn]struct{} // connections that have not sent a byte
}

// New returns a server that answers /health and, until SetReasons, is not ready. The
// contexts of all requests derive from ctx.
func New(ctx context.Context, o Options) *Server {
	if o.KeepAlive == 0 {
		o.KeepAlive = keepAlive
	}
	s := &Server{o: o, key: sha256.Sum256([]byte(o.Key)), created: time.Now().Unix(), fresh: map[net.Conn]struct{}{}, closing: closeTimeout,
		conns:  httpguard.NewConns(httpguard.Limits{Total: maxConns, PerAddress: maxConnsFrom, Exempt: netip.Addr.IsLoopback}),
		bodies: httpguard.Bodies{Max: maxBody, Stall: bodyStall, Within: bodyTimeout, Together: maxBodies}}
	s.SetReasons("starting")
	s.http = &http.Server{
		Handler: s, BaseContext: func(net.Listener) context.Context { return ctx }, ConnState: s.connState,
		ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	s.conns.Guard(s.http)
	return s
}

// SetReasons says why the gateway cannot take messages. No reasons: it can.
func (s *Server) SetReasons(reasons ...string) { s.reasons.Store(&reasons) }

// Serve answers on ln until Close. It returns nil after Close.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.http.Serve(s.conns.Listener(ln)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close stops serving. Answers that are complete still reach their clients; call it
// when no turn runs any more.
func (s *Server) Close() error {
	s.mu.Lock()
	for c := range s.fresh {
		c.Close() // Shutdown would give it five seconds to speak
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), s.closing)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return s.http.Close()
	}
	return nil
}

// CloseIdle closes the connections that wait for their next request. Clients open new ones.
func (s *Server) CloseIdle() {
	s.http.SetKeepAlivesEnabled(false) // closes them
	s.http.SetKeepAlivesEnabled(true)
}

func (s *Server) connState(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateNew {
		s.fresh[c] = struct{}{}
		return
	}
	delete(s.fresh, c)
}

// route is what a path offers. There are four: a table is all the routing needed, and
// lets every refusal have OpenAI's form.
type route struct {
	method  string
	handler func(*Server, http.ResponseWriter, *http.Request)
}

var routes = map[string]route{
	"/health":              {http.MethodGet, (*Server).health},
	"/ready":               {http.MethodGet, (*Server).ready},
	"/v1/models":           {http.MethodGet, (*Server).models},
	"/v1/chat/completions": {http.MethodPost, (*Server).chat},
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w := &response{ResponseWriter: rw}
	// A deadline outlives its request on a connection that is used again: always a new one.
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	defer httpguard.Begin(w, r)()
	defer s.recover(w)
	if private(r.URL.Path) && !s.authorized(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		writeError(w, errKey)
		return
	}
	rt, ok := routes[r.URL.Path]
	switch {
	case !ok:
		writeError(w, &apiError{status: http.StatusNotFound, Type: typeInvalid, Code: "not_found", Message: "no such path"})
	case r.Method != rt.method && (r.Method != http.MethodHead || rt.method != http.MethodGet):
		w.Header().Set("Allow", rt.method)
		writeError(w, &apiError{status: http.StatusMethodNotAllowed, Type: typeInvalid, Code: "method_not_allowed", Message: "use " + rt.method})
	default:
		rt.handler(s, w, r)
	}
}

// response remembers whether an answer has begun.
type response struct {
	http.ResponseWriter
	begun bool
}

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(status int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recover keeps one request's bug from being everybody's, and the stack out of the log.
func (s *Server) recover(w *response) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
		s.o.Log.Error("request handler failed", "panic", panicText(v))
	}
	if w.begun {
		panic(http.ErrAbortHandler) // what was written is half an answer
	}
	writeError(w, errInternal)
}

// panicText describes a panic without what it may carry: only runtime errors are known
// to hold no words of a user.
func panicText(v any) string {
	if err, ok := v.(interface {
		error
		RuntimeError()
	}); ok {
		return err.Error()
	}
	return "unexpected"
}
