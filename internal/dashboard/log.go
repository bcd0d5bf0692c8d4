package dashboard

import (
	"bytes"
	"context"
	"net/http"

	"hermes/internal/dashboard/backend"
	"hermes/internal/dashboard/stream"
	"hermes/internal/logs"
)

// logPage shows a gateway's log, and each new line of it.
type logPage struct {
	responder
	logs    backend.Logs
	streams *stream.Streams
}

func (p logPage) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /profiles/{name}/log", p.show)
	mux.HandleFunc("GET /profiles/{name}/log/events", p.events)
}

func (p logPage) show(w http.ResponseWriter, r *http.Request) {
	g, ok := p.gateway(w, r)
	if !ok {
		return
	}
	q := backend.ParseLogQuery(r.URL.Query())
	lines, err := p.logs.Tail(g.Profile, q)
	p.render(w, r, http.StatusOK, logHTML(p.frame(r, g.Profile.String()+": log", "gateways"), g.Profile.String(), q, lines, err))
}

// events sends the last lines of the log in an event `log`, which takes the place of what the page shows: the page may be old. Then it
// sends the new lines in events `line`.
func (p logPage) events(w http.ResponseWriter, r *http.Request) {
	n, ok := p.name(w, r)
	if !ok {
		return
	}
	p.streams.Log(w, r, n, func(ctx context.Context, out *stream.Events, first bool, lines []logs.Line) error {
		var b bytes.Buffer
		if err := renderParts(ctx, &b, logRows(lines)); err != nil {
			return err
		}
		event := "line"
		if first {
			event = "log"
		}
		return out.Send(event, b.Bytes())
	})
}
