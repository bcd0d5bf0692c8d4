package dashboard

import (
	"cmp"
	"net/http"

	"hermes/internal/dashboard/backend"
	"hermes/internal/store"
)

// sessionsPage shows what was said to a gateway, and how much it was used. It deletes sessions.
type sessionsPage struct {
	responder
	actions *backend.Actions
}

func (p sessionsPage) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /profiles/{name}/sessions", p.show)
	mux.HandleFunc("GET /profiles/{name}/session", p.transcript)
	mux.HandleFunc("GET /profiles/{name}/sessions/{session}", p.transcript)
	mux.HandleFunc("POST /profiles/{name}/session/delete", p.remove)
}

// sessionsView is the content of the page of all sessions of a profile.
type sessionsView struct {
	Name  string
	Query backend.SessionQuery
	backend.SessionList
	Err error
}

func (p sessionsPage) show(w http.ResponseWriter, r *http.Request) {
	g, ok := p.gateway(w, r)
	if !ok {
		return
	}
	v := sessionsView{Name: g.Profile.String(), Query: backend.ParseSessionQuery(r.URL.Query())}
	v.SessionList, v.Err = backend.ListSessions(r.Context(), g, v.Query)
	p.render(w, r, http.StatusOK, sessionsHTML(p.frame(r, v.Name+": sessions", "gateways"), v))
}

// transcriptView is the content of the page of one session.
type transcriptView struct {
	Name, Session string
	Messages      []store.Message
	Earlier       int64
	Err           error
}

// transcript shows one session.
func (p sessionsPage) transcript(w http.ResponseWriter, r *http.Request) {
	g, ok := p.gateway(w, r)
	if !ok {
		return
	}
	v := transcriptView{Name: g.Profile.String(), Session: cmp.Or(r.PathValue("session"), r.URL.Query().Get("id"))}
	v.Messages, v.Earlier, v.Err = backend.ReadTranscript(r.Context(), g, v.Session, r.URL.Query().Get("before"))
	code := http.StatusOK
	if v.Err == nil && len(v.Messages) == 0 {
		code = http.StatusNotFound
	}
	p.render(w, r, code, transcriptHTML(p.frame(r, v.Name+": "+v.Session, "gateways"), v))
}

func (p sessionsPage) remove(w http.ResponseWriter, r *http.Request) {
	g, ok := p.gateway(w, r)
	if !ok {
		return
	}
	session := r.FormValue("session")
	o := p.actions.DeleteSession(r.Context(), visitor(r), g, session)
	p.answer(w, r, o, profilePath(g.Profile)+"/sessions", sessionPath(g.Profile.String(), session))
}
