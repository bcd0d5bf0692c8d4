package gateway

import (
	"fmt"
	"net"

	"hermes/internal/channel/apiserver"
)

// api is the channel that speaks OpenAI's API. Its port is bound before it is started.
type api struct {
	server *apiserver.Server
	ln     net.Listener
	ended  chan struct{} // closed when Serve has returned; nil before Start
}

// Name implements channel.
func (*api) Name() string { return apiserver.Name }

// Start implements part. The server answers from now on, but /ready says that it is not ready until Open.
func (a *api) Start(broken func(error)) error {
	a.ended = make(chan struct{})
	go func() {
		defer close(a.ended)
		if err := a.server.Serve(a.ln); err != nil {
			broken(fmt.Errorf("cannot serve on %s: %w", a.ln.Addr(), err))
		}
	}()
	return nil
}

// Open implements channel.
func (a *api) Open() { a.server.SetReasons() }

// Calm implements calmer.
func (a *api) Calm() { a.server.CloseIdle() }

// Drain implements part.
func (a *api) Drain() { a.server.SetReasons(apiserver.Draining) }

// Close implements part.
func (a *api) Close() error {
	if a.ended == nil {
		return a.ln.Close()
	}
	err := a.server.Close()
	<-a.ended
	return err
}
