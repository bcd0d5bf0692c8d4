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
	"hermes/internal/dashboard/backend"
	"hermes/internal/httpguard"
)

// Options is what a dashboard needs.
type Options struct {
	Access  access.Options
	Backend backend.Options
	ReadyFD int // a descriptor that gets a newline and is closed as soon as the dashboard serves; 0 for none
	Log     *slog.Logger
}

// maxConnections is how many connections there are at a time. A browser keeps up to six of them, and a stream of events has one for
// itself.
const maxConnections = 4000

// maxFromOne is how many connections one address may have. Many people may share an address. Trusted proxies have no such limit.
const maxFromOne = 2000

// shutdownGrace is how long requests may take to finish when the dashboard is told to end.
const shutdownGrace = 3 * time.Second

// Run serves the dashboard until ctx ends.
func Run(ctx context.Context, o Options) error {
	address := o.Access.Address()
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("cannot start the dashboard: %w; HERMES_DASHBOARD_PORT chooses another port", err)
	}
	site := newSite(o.Backend, o.Log)
	o.Access.LoggedIn = func(v access.Visitor, by string) { site.backend.Journals.Record(v, "login", "", "by "+by, nil) }
	guard, err := access.New(o.Access, o.Log)
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
	conns := httpguard.NewConns(httpguard.Limits{Total: maxConnections, PerAddress: maxFromOne, Exempt: o.Access.Trusts})
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
	close(site.closing) // streams end now; other requests may finish within shutdownGrace
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

// announce tells the supervisor that the dashboard serves, in the way of s6 (notification-fd).
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
