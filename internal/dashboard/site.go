package dashboard

import (
	"context"
	"log/slog"
	"net/http"

	"hermes/internal/dashboard/api"
	"hermes/internal/dashboard/backend"
	"hermes/internal/dashboard/stream"
)

// site puts the pages, the API and everything else that is served together. It is made once.
type site struct {
	backend *backend.Backend
	log     *slog.Logger
	// closing is closed when the dashboard is to end. Streams end then.
	closing chan struct{}
	// seen is closed when there is a first picture of the gateways.
	seen chan struct{}
}

func newSite(o backend.Options, log *slog.Logger) *site {
	return &site{backend: backend.New(o, log), log: log, closing: make(chan struct{}), seen: make(chan struct{})}
}

// watch keeps the picture of the gateways up to date until stop is called, which waits for the end. If the gateways cannot be watched
// any more, the context that it returns ends, with the reason as its cause.
func (s *site) watch(ctx context.Context) (watching context.Context, stop func()) {
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	watching, failed := context.WithCancelCause(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		failed(s.backend.Fleet.Run(running, func() { close(s.seen) }))
	}()
	return watching, func() { end(); <-ended }
}

// handler returns everything that the dashboard serves. It does not ask who a visitor is: access.Guard does that before.
func (s *site) handler() http.Handler {
	mux := http.NewServeMux()
	health{s.backend.Fleet}.register(mux)
	newMetrics(s.backend.Fleet).register(mux)
	newFrontDoor(s.backend, s.log).register(mux)
	streams := stream.New(s.backend, s.closing, s.log)
	api.New(s.backend, streams, s.log).Register(mux)
	s.pages(mux, streams)
	return mux
}

// pages adds every page, and the files that pages need.
func (s *site) pages(mux *http.ServeMux, streams *stream.Streams) {
	b, files := s.backend, loadAssets()
	files.register(mux)
	re := responder{fleet: b.Fleet, gateways: b.Gateways, assets: files, log: s.log}
	newOverviewPage(re, b.Actions, streams).register(mux)
	createPage{re, b.Actions}.register(mux)
	profilePage{re, b.Actions, streams}.register(mux)
	logPage{re, b.Logs, streams}.register(mux)
	chatPage{re, b.Chat, b.Journals}.register(mux)
	sessionsPage{re, b.Actions}.register(mux)
	prunePage{re, b.Actions}.register(mux)
	filesPage{re, b.Actions}.register(mux)
	activityPage{re, b.Journals}.register(mux)
	bootPage{re, b.Store}.register(mux)
	doctorPage{re, b.Doctor}.register(mux)
}
