package api

import (
	"context"
	"net/http"

	"hermes/internal/dashboard/backend"
	"hermes/internal/dashboard/stream"
	"hermes/internal/fleet"
	"hermes/internal/logs"
	"hermes/internal/profile"
)

// events are the operations whose answers are streams.
type events struct {
	gateways backend.Gateways
	streams  *stream.Streams
	answerer answerer
}

// gatewayEvents sends each gateway in an event `gateway`, and again whenever something about it changes. When a profile is gone, it
// sends an event `gone`.
func (e events) gatewayEvents(w http.ResponseWriter, r *http.Request) {
	sent := map[profile.Name]uint64{}
	e.streams.Gateways(w, r, func(out *stream.Events, snap *fleet.Snapshot) error {
		for _, g := range snap.Gateways {
			if v, ok := sent[g.Profile]; ok && v == g.Version {
				continue
			}
			sent[g.Profile] = g.Version
			if err := out.SendJSON("gateway", viewOf(g, false)); err != nil {
				return err
			}
		}
		for n := range sent {
			if _, ok := snap.Get(n); !ok {
				delete(sent, n)
				if err := out.SendJSON("gone", map[string]any{"profile": n}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// log sends the last lines of a log and then each new one, in events `lines`.
func (e events) log(w http.ResponseWriter, r *http.Request) {
	c := call{r}
	g, err := c.gateway(e.gateways)
	if err != nil {
		e.answerer.answer(w, r, nil, err)
		return
	}
	e.streams.Log(w, r, g.Profile, func(_ context.Context, out *stream.Events, _ bool, lines []logs.Line) error {
		return out.SendJSON("lines", lineViews(lines))
	})
}
