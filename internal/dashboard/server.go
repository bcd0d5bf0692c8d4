package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"hermes/internal/dashboard/access"
	"hermes/internal/httpguard"
)

// Options is what a dashboard needs.
type Options struct {
	Config  access.Config
	Backend Backend
	ReadyFD int // gets a newline and is closed once the dashboard serves; 0 for none
	Log     *slog.Logger
}

// maxConnections is how many visitors are served at a time. A browser keeps up to six connections, a stream of events
// is one.
const maxConnections = 4000

// maxFromOne is how many connections one address may have. Many people may share one; proxies that are trusted have no
// such limit.
const maxFromOne = 2000

// shutdownGrace is how long requests may take to finish when the dashboard is told to end.
const shutdownGrace = 3 * time.Second

// Run serves the dashboard until ctx ends.
func Run(ctx context.Context, o Options) error {
	address := o.Config.Address()
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("cannot start the dashboard: %w; HERMES_DASHBOARD_PORT chooses another port", err)
	}
	site := newSite(o.Backend, o.Log)
	o.Config.LoggedIn = func(v access.Visitor, by string) { site.record(v, "login", "", "by "+by, nil) }
	guard, err := access.New(o.Config, o.Log)
	if err != nil {
		listener.Close()
		return fmt.Errorf("cannot start the dashboard: %w", err)
	}
	watching, stop := site.watch(ctx)
	defer stop()
	select {
	case <-site.seen:
	case <-watching.Done():
		listener.Close()
		return fmt.Errorf("cannot start the dashboard: %w", context.Cause(watching))
	}
	conns := httpguard.NewConns(httpguard.Limits{Total: maxConnections, PerAddress: maxFromOne, Exempt: o.Config.Trusts})
	server := &http.Server{
		Handler:           guard.Guard(site.handler()),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	conns.Guard(server)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(conns.Listener(listener)) }()
	o.Log.Info("dashboard ready", "address", address)
	if err := announce(o.ReadyFD); err != nil {
		o.Log.Warn("cannot tell the supervisor", "error", err)
	}
	var cause error
	select {
	case err := <-failed:
		return fmt.Errorf("the dashboard cannot serve: %w", err)
	case <-watching.Done():
		cause = fmt.Errorf("the dashboard cannot watch the gateways: %w", context.Cause(watching))
	case <-ctx.Done():
	}
	close(site.closing) // open streams end, other requests may finish
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		server.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return errors.Join(cause, err)
	}
	return cause
}

// announce tells the supervisor that the dashboard serves (notification-fd).
func announce(fd int) error {
	if fd <= 0 {
		return nil
	}
	f := os.NewFile(uintptr(fd), "ready-fd")
	if f == nil {
		return fmt.Errorf("descriptor %d is not open", fd)
	}
	_, err := f.WriteString("\n")
	return errors.Join(err, f.Close())
}

// handler returns everything that the dashboard serves, to whom access lets in.
func (s *site) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health)
	mux.HandleFunc("GET /ready", s.ready)
	mux.Handle("GET /metrics", s.metrics())
	s.api(mux)
	s.frontDoor(mux)
	s.pages(mux)
	return mux
}

func health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"status":"ok"}` + "\n")) // the visitor may be gone
}

// ready tells whether the dashboard shows what is true now.
func (s *site) ready(w http.ResponseWriter, _ *http.Request) {
	snap := s.fleet.Snapshot()
	w.Header().Set("Content-Type", "application/json")
	if snap.Version == 0 || snap.Err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"the gateways cannot be looked at"}` + "\n")) // the visitor may be gone
		return
	}
	_, _ = w.Write([]byte(`{"status":"ready"}` + "\n")) // the visitor may be gone
}
