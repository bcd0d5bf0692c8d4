package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"hermes/internal/dashboard/access"
	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/env"
)

// settingsView is the content of a profile's settings page.
type settingsView struct {
	Name      string
	Config    profile.File
	Soul      profile.File
	Variables []string
	Errs      []error
}

// settings shows what a profile is made of. Values of secrets are not shown.
func (s *site) settings(w http.ResponseWriter, r *http.Request) {
	g, ok := s.shown(w, r)
	if !ok {
		return
	}
	v := settingsView{Name: g.Profile.String()}
	var errs [3]error
	v.Config, errs[0] = config.Read(g.Home)
	v.Soul, errs[1] = g.Home.ReadSoul()
	v.Variables, errs[2] = env.Names(g.Home)
	for _, err := range errs {
		if err != nil {
			v.Errs = append(v.Errs, err)
		}
	}
	s.render(w, r, http.StatusOK, settingsPage(s.frame(r, v.Name+": settings", "gateways"), v))
}

// saveSettings serves the forms of the settings page.
func (s *site) saveSettings(w http.ResponseWriter, r *http.Request) {
	n, ok := s.named(w, r)
	if !ok {
		return
	}
	o := s.set(r.Context(), s.visitor(r), n, r.PathValue("what"), r.FormValue)
	if o.Err == nil && r.Header.Get("HX-Request") == "true" {
		o.Next = "" // the page stays, and what it shows is brought up to date
		w.Header().Set("HX-Trigger", "saved")
	}
	s.answer(w, r, o, profilePath(n)+"/settings")
}

// errNoSetting is for addresses that nobody is led to.
var errNoSetting = errors.New("there is no such setting")

func (s *site) set(ctx context.Context, v access.Visitor, n profile.Name, what string, value func(string) string) outcome {
	ctx = context.WithoutCancel(ctx)
	h, err := s.o.Store.Get(n)
	if err != nil {
		return outcome{Err: err}
	}
	name := strings.TrimSpace(value("variable"))
	var text, detail string
	switch what {
	case "config":
		text, err = "config.yaml is saved", config.Save(ctx, h, value("text"), value("tag"))
	case "soul":
		text, err = "SOUL.md is saved", h.SaveSoul(ctx, value("text"), value("tag"))
	case "variable":
		text, detail, err = fmt.Sprintf("variable %s is set", name), name, env.Set(ctx, h, name, value("value"))
	case "remove":
		text, detail, err = fmt.Sprintf("variable %s is removed", name), name, env.Remove(ctx, h, name)
	default:
		return outcome{Err: errNoSetting}
	}
	s.done(ctx, v, "settings: "+what, n.String(), detail, err)
	if err != nil {
		return outcome{Err: err}
	}
	if g, ok := s.fleet.Snapshot().Get(n); ok && g.Up() {
		text += "; it counts from the gateway's next start"
	}
	return outcome{Text: text, Next: profilePath(n) + "/settings"}
}
