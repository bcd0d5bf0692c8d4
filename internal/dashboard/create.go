package dashboard

import (
	"net/http"

	"hermes/internal/dashboard/backend"
	"hermes/internal/profile"
)

// createPage makes a profile, or a clone of one.
type createPage struct {
	responder
	actions *backend.Actions
}

func (p createPage) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /new", p.show)
	mux.HandleFunc("POST /profiles", p.create)
}

func (p createPage) show(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, g := range p.fleet.Snapshot().Gateways {
		names = append(names, g.Profile.String())
	}
	p.render(w, r, http.StatusOK, createHTML(p.frame(r, "New profile", "gateways"), names, r.URL.Query().Get("from")))
}

func (p createPage) create(w http.ResponseWriter, r *http.Request) {
	o := p.actions.Create(r.Context(), visitor(r), r.FormValue("name"), r.FormValue("from"), r.FormValue("start") != "")
	next := "/new"
	if o.Profile != (profile.Name{}) {
		next = profilePath(o.Profile)
	}
	p.answer(w, r, o, next, next)
}
