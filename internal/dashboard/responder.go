package dashboard

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"hermes/internal/dashboard/access"
	"hermes/internal/dashboard/backend"
	"hermes/internal/fleet"
	"hermes/internal/logs"
	"hermes/internal/profile"
)

// responder answers requests for pages. Every page has one.
type responder struct {
	fleet    *fleet.Fleet
	gateways backend.Gateways
	assets   assets
	log      *slog.Logger
}

// visitor returns who sent a request.
func visitor(r *http.Request) access.Visitor { return access.VisitorOf(r.Context()) }

// frame returns what a page has around its content.
func (re responder) frame(r *http.Request, title, section string) frame {
	snap := re.fleet.Snapshot()
	return frame{Title: title, Section: section, Visitor: visitor(r), Assets: re.assets, Manager: snap.Manager, Control: snap.Control}
}

// render makes a page and sends it. If it cannot be made, nothing of it is sent.
func (re responder) render(w http.ResponseWriter, r *http.Request, code int, c templ.Component) {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		re.log.Error("cannot make a page", "path", r.URL.Path, "error", err)
		http.Error(w, "cannot show this page; the dashboard's log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // the visitor may be gone
}

// name returns the profile of a request's path. If it is no name, the request is answered, and ok is false.
func (re responder) name(w http.ResponseWriter, r *http.Request) (n profile.Name, ok bool) {
	n, err := profile.ParseName(r.PathValue("name"))
	if err != nil {
		re.notFound(w, r, err)
		return n, false
	}
	return n, true
}

// gateway returns the gateway of a request's path. If there is none, the request is answered, and ok is false.
func (re responder) gateway(w http.ResponseWriter, r *http.Request) (g *fleet.Gateway, ok bool) {
	n, ok := re.name(w, r)
	if !ok {
		return nil, false
	}
	g, err := re.gateways.Find(n)
	if err != nil {
		re.notFound(w, r, err)
		return nil, false
	}
	return g, true
}

// notFound shows an error as a page of its own.
func (re responder) notFound(w http.ResponseWriter, r *http.Request, err error) {
	re.render(w, r, http.StatusNotFound, resultHTML(re.frame(r, "Not found", ""), false, logs.Printable(err.Error()), "", "/"))
}

// answer shows what came of an action. If a page's script asked, it puts that into its page, or goes to next if the action was done and
// next is not "". If a form asked without a script, what came is a page of its own, with a link to next, or to back if the action failed
// or next is "".
func (re responder) answer(w http.ResponseWriter, r *http.Request, o backend.Outcome, next, back string) {
	text, more := o.Text, logs.PrintableLines(o.More)
	code := http.StatusOK
	if o.Err != nil {
		first, rest, _ := strings.Cut(o.Err.Error(), "\n")
		text, more = logs.Printable(first), strings.TrimSpace(logs.PrintableLines(rest)+"\n"+more)
		code, next = http.StatusConflict, ""
	}
	if r.Header.Get("HX-Request") == "true" {
		if next != "" {
			w.Header().Set("HX-Location", next)
		}
		re.render(w, r, http.StatusOK, result(o.Err == nil, text, more))
		return
	}
	re.render(w, r, code, resultHTML(re.frame(r, "Result", ""), o.Err == nil, text, more, cmp.Or(next, back)))
}

// renderParts writes parts of a page, one after the other.
func renderParts(ctx context.Context, b *bytes.Buffer, parts ...templ.Component) error {
	for _, p := range parts {
		if err := p.Render(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// at returns an address of the dashboard as the visitor of a request knows it; link does the same for templates.
func at(ctx context.Context, path string) string { return access.At(ctx, path) }

func link(ctx context.Context, path string) templ.SafeURL { return templ.SafeURL(at(ctx, path)) }

// profilePath is the address of a profile's page.
func profilePath(n profile.Name) string { return "/profiles/" + url.PathEscape(n.String()) }
