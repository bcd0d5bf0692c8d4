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

// Limits on a client's requests and connections, and on how long a client waits.
const (
	maxBody        = 4 << 20
	maxHeaderBytes = 32 << 10
	headerTimeout  = 10 * time.Second
	// bodyStall is how long a client may pause while it sends a request; bodyTimeout is how long the whole request may take.
	bodyStall   = 10 * time.Second
	bodyTimeout = 60 * time.Second
	// maxBodies is how many bytes of requests the server holds at a time while they arrive.
	maxBodies = 64 << 20
	// maxConns is how many connections the server has at a time; maxConnsFrom is how many of them may come from one address.
	// Addresses on loopback have no limit of their own, because a proxy's connections come from there.
	maxConns     = 4096
	maxConnsFrom = 512
	idleTimeout  = 60 * time.Second
	// writeTimeout limits the writing of one chunk, not of a whole answer. A client that reads nothing for this long is taken for
	// dead.
	writeTimeout = 30 * time.Second
	// keepAlive is the longest silence in a stream: proxies give up after 30 s to 60 s (proxy_read_timeout of nginx: 60 s).
	keepAlive = 15 * time.Second
	// closeTimeout is how long Close gives the answers to reach the kernel.
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
	reasons atomic.Pointer[[]string] // why the gateway is not ready; empty when it is
	http    *http.Server
	conns   *httpguard.Conns
	bodies  httpguard.Bodies
	closing time.Duration // how long Close waits; tests change it

	mu    sync.Mutex
	fresh map[net.Conn]struct{} // connections on which no byte has come yet
}

// New returns a server that answers /health and is not ready until SetReasons is called without reasons. The contexts of all
// requests derive from ctx.
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

// SetReasons sets why the gateway cannot take messages. Without reasons it can.
func (s *Server) SetReasons(reasons ...string) { s.reasons.Store(&reasons) }

// Serve answers requests on ln until Close, and then returns nil.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.http.Serve(s.conns.Listener(ln)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close stops the server. Call it when no turn runs any more; complete answers still reach their clients.
func (s *Server) Close() error {
	s.mu.Lock()
	for c := range s.fresh {
		c.Close() // Shutdown would wait five seconds for its first byte
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), s.closing)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return s.http.Close()
	}
	return nil
}

// CloseIdle closes the connections that wait for their next request. Clients open new ones when they need them.
func (s *Server) CloseIdle() {
	s.http.SetKeepAlivesEnabled(false) // this closes the idle connections
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

// route is what the server does for a path. There are only four paths, so a table is enough, and with it every refusal has OpenAI's
// form.
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
	// On a connection that is used again, the deadline of the last request still counts, so always set a new one.
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

// response remembers whether the answer has begun.
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

// recover keeps a panic in one request from ending the gateway, and its stack out of the log.
func (s *Server) recover(w *response) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
		s.o.Log.Error("request handler failed", "panic", panicText(v))
	}
	if w.begun {
		panic(http.ErrAbortHandler) // half an answer is written already, so abort the connection
	}
	writeError(w, errInternal)
}

// panicText describes a panic for the log. Only the text of runtime errors is logged, because others may contain a user's words.
func panicText(v any) string {
	if err, ok := v.(interface {
		error
		RuntimeError()
	}); ok {
		return err.Error()
	}
	return "unexpected"
}
