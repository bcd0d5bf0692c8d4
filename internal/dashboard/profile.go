package dashboard

import (
	"bytes"
	"fmt"
	"net/http"

	"hermes/internal/dashboard/backend"
	"hermes/internal/dashboard/stream"
	"hermes/internal/fleet"
	"hermes/internal/operate"
	"hermes/internal/profile"
)

// profilePage shows one gateway, and acts on it and on its profile.
type profilePage struct {
	responder
	actions *backend.Actions
	streams *stream.Streams
}

func (p profilePage) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /profiles/{name}", p.show)
	mux.HandleFunc("GET /profiles/{name}/events", p.events)
	for _, action := range []operate.Action{operate.Start, operate.Stop, operate.Restart} {
		mux.HandleFunc("POST /profiles/{name}/"+string(action), func(w http.ResponseWriter, r *http.Request) { p.act(w, r, action) })
	}
	mux.HandleFunc("POST /profiles/{name}/rename", p.rename)
	mux.HandleFunc("POST /profiles/{name}/delete", p.remove)
}

func (p profilePage) show(w http.ResponseWriter, r *http.Request) {
	if g, ok := p.gateway(w, r); ok {
		p.render(w, r, http.StatusOK, profileHTML(p.frame(r, g.Profile.String(), "gateways"), g))
	}
}

// events sends what changes about the gateway. The stream ends when the profile is gone.
func (p profilePage) events(w http.ResponseWriter, r *http.Request) {
	n, ok := p.name(w, r)
	if !ok {
		return
	}
	var version uint64
	seen := false
	p.streams.Gateways(w, r, func(out *stream.Events, snap *fleet.Snapshot) error {
		g, ok := snap.Get(n)
		if !ok && seen {
			if err := out.Send("gone", []byte(n.String())); err != nil {
				return err
			}
			return stream.ErrEnd
		}
		if !ok || g.Version == version && seen {
			return nil
		}
		seen, version = true, g.Version
		var b bytes.Buffer
		if err := renderParts(r.Context(), &b, profileState(g, snap.Control, true), timeline(g.History, true)); err != nil {
			return err
		}
		return out.Send("profile", b.Bytes())
	})
}

func (p profilePage) act(w http.ResponseWriter, r *http.Request, action operate.Action) {
	if n, ok := p.name(w, r); ok {
		p.answer(w, r, p.actions.Act(r.Context(), visitor(r), n, action), "", profilePath(n))
	}
}

func (p profilePage) rename(w http.ResponseWriter, r *http.Request) {
	n, ok := p.name(w, r)
	if !ok {
		return
	}
	o := p.actions.Rename(r.Context(), visitor(r), n, r.FormValue("to"))
	next := profilePath(n)
	if o.Profile != (profile.Name{}) {
		next = profilePath(o.Profile)
	}
	p.answer(w, r, o, next, next)
}

// remove deletes the profile, if its name was typed into the form.
func (p profilePage) remove(w http.ResponseWriter, r *http.Request) {
	n, ok := p.name(w, r)
	if !ok {
		return
	}
	if r.FormValue("confirm") != n.String() {
		p.answer(w, r, backend.Outcome{Err: fmt.Errorf("that is not '%s': nothing is deleted", n)}, "", profilePath(n))
		return
	}
	p.answer(w, r, p.actions.Delete(r.Context(), visitor(r), n), "/", profilePath(n))
}
