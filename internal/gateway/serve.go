package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"hermes/internal/channel/apiserver"
	"hermes/internal/conversation"
	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/store"
	"hermes/internal/volume"
)

// platform is the API server's name in gateway_state.json.
const platform = "api_server"

// healthy is how long a gateway serves until its earlier failures no longer count (service.Backoff has the same).
const healthy = 5 * time.Minute

// service is a gateway that has all it needs to serve.
type service struct {
	config config.Config
	ln     net.Listener
	store  *store.Store
	turns  *turns
	counts *counters
	api    *apiserver.Server
	model  any
	cancel context.CancelCauseFunc // ends every turn
}

// start loads, binds and opens, and undoes it all if one of these fails.
func (g *gateway) start(ctx context.Context) (_ *service, err error) {
	set, err := g.load(ctx)
	if err != nil {
		return nil, err
	}
	s := &service{config: set.config, model: set.model}
	if s.ln, err = g.listen(set.api); err != nil {
		return nil, err
	}
	if s.store, err = g.openStore(ctx); err != nil {
		s.ln.Close()
		return nil, err
	}
	// Turns end by their clients, the drain or its deadline, not with ctx: see drain.
	turnCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	s.cancel = cancel
	s.counts = newCounters(conversation.New(g.o.Home.Files(), profile.SoulName, set.model, s.store, g.log), g.o.Home, g.log)
	s.turns = newTurns(s.counts)
	s.api = apiserver.New(turnCtx, apiserver.Options{Key: set.api.Key, Model: set.model.Name(), Turns: s.turns, Log: g.log})
	return s, nil
}

// openStore opens the profile's database, under its present name.
func (g *gateway) openStore(ctx context.Context) (*store.Store, error) {
	h := g.o.Home
	adopted, err := store.Adopt(ctx, h.FormerDatabase(), h.Database())
	switch {
	case errors.Is(err, volume.ErrMount):
		return nil, &profile.ConfigError{File: h.FormerDatabase(), Msg: "it is a mount of its own, so that it cannot be renamed: mount it as " + h.Database()}
	case err != nil:
		return nil, err
	case adopted == store.Moved:
		g.log.Info("the database has a new name", "was", profile.FormerDatabaseName, "is", profile.DatabaseName)
	case adopted == store.LeftAlone:
		g.log.Info("a file of another program is left as it is", "file", profile.FormerDatabaseName)
	}
	s, err := store.Open(ctx, h.Database())
	if errors.Is(err, store.ErrForeign) {
		return nil, &profile.ConfigError{File: h.Database(), Msg: store.ErrForeign.Error() + ": move it away"}
	}
	return s, err
}

// failed writes down why the gateway could not start. A wrong configuration stays wrong:
// startup_failed. Anything else may be gone at the next try: the state stays starting.
func (g *gateway) failed(err error) error {
	to := profile.StateStarting
	var wrong *profile.ConfigError
	if errors.As(err, &wrong) {
		to = profile.StateStartupFailed
	}
	g.state.set(to, func(s *profile.State) {
		s.ExitReason = err.Error()
		s.PID = 0
	})
	return err
}

// serve is the gateway's life between readiness and drain.
func (g *gateway) serve(ctx context.Context, s *service) error {
	served := make(chan error, 1)
	go func() { served <- s.api.Serve(s.ln) }()
	g.state.set(profile.StateRunning, func(st *profile.State) { st.Platforms = map[string]string{platform: "running"} })
	s.api.SetReasons()
	g.tellReady()
	g.notify("READY=1")
	g.log.Info("ready", "address", s.ln.Addr().String(), "ms", time.Since(g.started).Milliseconds(), "journal", s.store.Journal())

	// Its failures are forgotten.
	well := time.AfterFunc(healthy, func() { g.notify("RESTART_RESET=1") })
	defer well.Stop()
	stopPruning := retain(s.store, retentionOf(s.config), g.log, pruneAfter, pruneEvery)

	var err, broken error
	select {
	case sig := <-g.signals:
		err = &SignalError{sig}
	case <-ctx.Done():
		err = context.Cause(ctx)
	case broken = <-served:
		served <- nil // close waits for it
		err = fmt.Errorf("cannot serve on %s: %w", s.ln.Addr(), broken)
	}
	stopPruning() // before the drain: nothing is to wait for it then
	g.keepWriting()
	g.drain(s)
	if broken == nil {
		err = g.outcome(err)
	}
	if cerr := s.close(served); cerr != nil {
		g.log.Warn("not everything closed cleanly", "error", cerr)
	}
	g.end(err)
	return err
}

// close ends what start began, when no turn runs any more.
func (s *service) close(served <-chan error) error {
	err := s.api.Close()
	<-served //nolint:errcheck // it ended because it was closed
	s.cancel(nil)
	if c, ok := s.model.(interface{ Close() }); ok {
		c.Close()
	}
	return errors.Join(err, s.store.Close())
}

// tellReady tells whoever started this gateway that it serves.
func (g *gateway) tellReady() {
	fd := g.o.ReadyFD
	if fd <= 0 {
		return
	}
	f := map[int]*os.File{1: os.Stdout, 2: os.Stderr}[fd] // not ours to close
	if fd > 2 {
		f = os.NewFile(uintptr(fd), "ready-fd")
		defer f.Close()
	}
	if _, err := f.Write([]byte("\n")); err != nil {
		g.log.Warn("cannot tell that the gateway is ready", "fd", fd, "error", err)
	}
}
