package dashboard

import (
	"errors"
	"net/http"

	"hermes/internal/dashboard/backend"
	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/env"
)

// filesPage edits the files that a profile is made of: config.yaml, SOUL.md, and the variables of .env. Visitors know it as the
// settings of the profile.
type filesPage struct {
	responder
	actions *backend.Actions
}

func (p filesPage) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /profiles/{name}/settings", p.show)
	mux.HandleFunc("POST /profiles/{name}/settings/{what}", p.save)
}

// filesView is the content of the page. Of the variables it has the names only.
type filesView struct {
	Name      string
	Config    profile.File
	Soul      profile.File
	Variables []string
	Errs      []error
}

func (p filesPage) show(w http.ResponseWriter, r *http.Request) {
	g, ok := p.gateway(w, r)
	if !ok {
		return
	}
	v := filesView{Name: g.Profile.String()}
	var errs [3]error
	v.Config, errs[0] = config.Read(g.Home)
	v.Soul, errs[1] = g.Home.ReadSoul()
	v.Variables, errs[2] = env.Names(g.Home)
	for _, err := range errs {
		if err != nil {
			v.Errs = append(v.Errs, err)
		}
	}
	p.render(w, r, http.StatusOK, filesHTML(p.frame(r, v.Name+": settings", "gateways"), v))
}

// save serves the forms of the page.
func (p filesPage) save(w http.ResponseWriter, r *http.Request) {
	n, ok := p.name(w, r)
	if !ok {
		return
	}
	o := p.saved(r, n)
	if o.Err == nil && r.Header.Get("HX-Request") == "true" {
		w.Header().Set("HX-Trigger", "saved") // the page stays, and loads anew what it shows
	}
	p.answer(w, r, o, "", profilePath(n)+"/settings")
}

// errNoFile reports an address that no form of the page has.
var errNoFile = errors.New("there is no such setting")

// saved does what one of the forms asks for.
func (p filesPage) saved(r *http.Request, n profile.Name) backend.Outcome {
	ctx, v := r.Context(), visitor(r)
	switch r.PathValue("what") {
	case "config":
		return p.actions.SaveConfig(ctx, v, n, r.FormValue("text"), r.FormValue("tag"))
	case "soul":
		return p.actions.SaveSoul(ctx, v, n, r.FormValue("text"), r.FormValue("tag"))
	case "variable":
		return p.actions.SetVariable(ctx, v, n, r.FormValue("variable"), r.FormValue("value"))
	case "remove":
		return p.actions.RemoveVariable(ctx, v, n, r.FormValue("variable"))
	}
	if _, err := p.gateways.Find(n); err != nil {
		return backend.Outcome{Err: err}
	}
	return backend.Outcome{Err: errNoFile}
}
