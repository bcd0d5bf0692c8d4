package dashboard

import (
	"net/http"
	"net/url"

	"hermes/internal/dashboard/backend"
	"hermes/internal/profile/config"
	"hermes/internal/store"
)

// prunePage removes a profile's old sessions. First it shows how much that would be.
type prunePage struct {
	responder
	actions *backend.Actions
}

func (p prunePage) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /profiles/{name}/prune", p.show)
	mux.HandleFunc("POST /profiles/{name}/prune", p.prune)
}

// pruneView is the content of the page that removes old sessions.
type pruneView struct {
	Name string
	// OlderThan and Keep are what was asked, as it was written.
	OlderThan, Keep string
	// Config is what the profile's config.yaml says about sessions.
	Config  config.Sessions
	Counted bool
	Would   store.Removed
	Err     error
}

func (p prunePage) show(w http.ResponseWriter, r *http.Request) {
	g, ok := p.gateway(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	v := pruneView{Name: g.Profile.String(), OlderThan: q.Get("older_than"), Keep: q.Get("keep_messages")}
	c, err := config.Load(g.Home)
	if v.Config, v.Err = c.Sessions, err; err == nil && (q.Has("older_than") || q.Has("keep_messages")) {
		v.Would, v.Err = backend.Prunable(r.Context(), g, backend.Limits{OlderThan: v.OlderThan, Messages: v.Keep})
		v.Counted = v.Err == nil
	}
	p.render(w, r, http.StatusOK, pruneHTML(p.frame(r, v.Name+": remove old sessions", "gateways"), v))
}

func (p prunePage) prune(w http.ResponseWriter, r *http.Request) {
	g, ok := p.gateway(w, r)
	if !ok {
		return
	}
	limits := backend.Limits{OlderThan: r.FormValue("older_than"), Messages: r.FormValue("keep_messages")}
	_, o := p.actions.PruneSessions(r.Context(), visitor(r), g, limits)
	back := url.Values{"older_than": {limits.OlderThan}, "keep_messages": {limits.Messages}}
	p.answer(w, r, o, profilePath(g.Profile)+"/sessions", profilePath(g.Profile)+"/prune?"+back.Encode())
}
