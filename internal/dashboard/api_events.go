package dashboard

import (
	"context"
	"encoding/json"
	"net/http"

	"hermes/internal/fleet"
	"hermes/internal/logs"
	"hermes/internal/profile"
)

// apiEvents sends every gateway, and each again when something about it changes: events `gateway` and `gone`.
func (s *site) apiEvents(w http.ResponseWriter, r *http.Request) {
	defer s.fleet.View()()
	out := startStream(w)
	sent := map[profile.Name]uint64{}
	err := s.follow(r.Context(), out, func(snap *fleet.Snapshot) error {
		for _, g := range snap.Gateways {
			if v, ok := sent[g.Profile]; ok && v == g.Version {
				continue
			}
			sent[g.Profile] = g.Version
			if err := out.json("gateway", viewOf(g, false)); err != nil {
				return err
			}
		}
		for n := range sent {
			if _, ok := snap.Get(n); !ok {
				delete(sent, n)
				if err := out.json("gone", map[string]any{"profile": n}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	s.streamEnded(r, err)
}

func (s *stream) json(event string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.send(event, data)
}

// apiLogStream sends the lines of a log: the last ones, then each new one, in events `lines`.
func (s *site) apiLogStream(w http.ResponseWriter, r *http.Request) {
	c := apiCall{w: w, r: r, s: s}
	g, err := c.gateway()
	if err != nil {
		s.apiAnswer(w, r, nil, err)
		return
	}
	s.followLog(w, r, g.Profile, func(ctx context.Context, out *stream, _ bool, lines []logs.Line) error {
		return out.json("lines", lineViews(lines))
	})
}
