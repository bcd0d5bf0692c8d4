package gateway

import (
	"context"
	"errors"
	"os"
	"time"

	"hermes/internal/channel/apiserver"
	"hermes/internal/conversation"
	"hermes/internal/model"
	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/store"
	"hermes/internal/volume"
)

// life is a gateway with everything that it needs to serve.
type life struct {
	config  config.Config
	address string // the API's address
	model   model.Provider
	store   *store.Store
	turns   *turns // counts the turns of all channels
	counts  *counters
	cancel  context.CancelCauseFunc // cancels all turns
	parts   parts
	broken  chan error // gets the error of a part that ended by itself
}

// start loads the files, binds the port, opens the database and starts the parts. If one step fails, it undoes the others.
func (g *gateway) start(ctx context.Context) (*life, error) {
	set, err := g.load(ctx)
	if err != nil {
		return nil, err
	}
	// Bind the port first, so that a start that fails because the port is taken does not touch the database.
	ln, err := g.listen(set.api)
	if err != nil {
		return nil, err
	}
	l := &life{config: set.config, address: ln.Addr().String(), model: set.model}
	if l.store, err = g.openStore(ctx); err != nil {
		ln.Close()
		return nil, err
	}
	// A turn ends when its client goes, when it is done or when the drain breaks it off, but not when ctx ends: see drain.
	turnCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	l.cancel = cancel
	l.counts = newCounters(conversation.New(g.o.Home.Files(), conversation.Soul{Name: profile.SoulName, Max: profile.MaxSoul}, set.model, l.store, g.log), g.o.Home, g.log)
	l.turns = newTurns(l.counts)
	l.parts = parts{
		&api{ln: ln, server: apiserver.New(turnCtx, apiserver.Options{Key: set.api.Key, Model: set.model.Name(), Turns: l.turns, Log: g.log})},
		&pruning{pruner: l.store, keep: retentionOf(set.config), log: g.log},
	}
	l.turns.calm = l.parts.calm
	l.broken = make(chan error, len(l.parts)) // each part calls broken at most once
	if err := l.parts.start(func(err error) { l.broken <- err }); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

// openStore opens the profile's database. A database under the former name is renamed first.
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

// failed writes into the state file why the gateway could not start. With a wrong configuration the state becomes
// startup_failed, since another try cannot help. After any other error it stays starting, since the cause may be gone at the
// next try.
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

// serve tells that the gateway is ready and returns when it is to drain.
func (g *gateway) serve(ctx context.Context, l *life) error {
	g.state.set(profile.StateRunning, func(st *profile.State) { st.Platforms = l.parts.platforms() })
	l.parts.open()
	g.tellReady()
	g.notify("READY=1")
	g.log.Info("ready", "address", l.address, "ms", time.Since(g.started).Milliseconds(), "journal", l.store.Journal())

	if g.o.Healthy > 0 {
		well := time.AfterFunc(g.o.Healthy, func() { g.notify("RESTART_RESET=1") })
		defer well.Stop()
	}

	var err, broken error
	select {
	case sig := <-g.signals:
		err = &SignalError{sig}
	case <-ctx.Done():
		err = context.Cause(ctx)
	case broken = <-l.broken:
		err = broken
	}
	g.keepWriting()
	g.drain(l)
	if broken == nil {
		err = g.outcome(err)
	}
	if cerr := errors.Join(l.parts.close(), l.release()); cerr != nil {
		g.log.Warn("not everything closed cleanly", "error", cerr)
	}
	g.end(err)
	return err
}

// release closes the model and the store. Call it after the parts are closed.
func (l *life) release() error {
	l.cancel(nil)
	if c, ok := l.model.(interface{ Close() }); ok {
		c.Close()
	}
	return l.store.Close()
}

// tellReady writes a newline to ReadyFD, so that whatever started this gateway knows that it serves.
func (g *gateway) tellReady() {
	fd := g.o.ReadyFD
	if fd <= 0 {
		return
	}
	f := map[int]*os.File{1: os.Stdout, 2: os.Stderr}[fd] // os.Stdout and os.Stderr must stay open
	if fd > 2 {
		f = os.NewFile(uintptr(fd), "ready-fd")
		defer f.Close()
	}
	if _, err := f.Write([]byte("\n")); err != nil {
		g.log.Warn("cannot tell that the gateway is ready", "fd", fd, "error", err)
	}
}
