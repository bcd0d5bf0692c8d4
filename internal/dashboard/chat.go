package dashboard

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hermes/internal/dashboard/backend"
	"hermes/internal/dashboard/stream"
	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/store"
)

// chatPage lets a visitor talk to a gateway.
type chatPage struct {
	responder
	chat     backend.Chat
	journals *backend.Journals
}

func (p chatPage) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /profiles/{name}/chat", p.show)
	mux.HandleFunc("POST /profiles/{name}/chat", p.say)
	mux.HandleFunc("POST /profiles/{name}/retry", p.retry)
}

// show shows the session that the address names, or begins a new one.
func (p chatPage) show(w http.ResponseWriter, r *http.Request) {
	g, ok := p.gateway(w, r)
	if !ok {
		return
	}
	v := chatView{Name: g.Profile.String(), Session: r.URL.Query().Get("session"), Up: g.Up() && g.Ready}
	if !store.ValidSessionID(v.Session) {
		v.Session = "dashboard-" + strings.ToLower(rand.Text()[:10])
	} else {
		v.Messages, _, v.Err = backend.ReadTranscript(r.Context(), g, v.Session, "")
	}
	p.render(w, r, http.StatusOK, chatHTML(p.frame(r, v.Name+": chat", "gateways"), v))
}

// stillThere is sent while a model thinks, so that no proxy takes the connection for dead. The page leaves it out.
const stillThere = "\x00"

// say sends a message to a gateway. To the page's script it sends the answer as it comes: plain text, with stillThere in it. A browser
// without scripts is sent to the session's page when the answer is whole.
func (p chatPage) say(w http.ResponseWriter, r *http.Request) {
	n, ok := p.name(w, r)
	if !ok {
		return
	}
	session, message := r.FormValue("session"), strings.ReplaceAll(r.FormValue("message"), "\r\n", "\n")
	err := backend.Sayable(session, message)
	plain := r.Header.Get("Accept") == "text/plain"
	if err != nil {
		p.notSaid(w, r, plain, n, err)
		return
	}
	out := backend.Answer{To: io.Discard}
	if plain {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Accel-Buffering", "no") // nginx
		out = backend.Answer{To: flusher{w, http.NewResponseController(w)}, Alive: stillThere}
	}
	if err = p.chat.Ask(r.Context(), n, session, message, &out); err != nil {
		switch {
		case !plain || !out.Begun:
			p.notSaid(w, r, plain, n, err)
		case out.Text:
			fmt.Fprintf(out.To, "\n\n✗ %s", logs.PrintableLines(err.Error()))
		default:
			fmt.Fprintf(out.To, "✗ %s", logs.PrintableLines(err.Error()))
		}
		return
	}
	if !plain {
		http.Redirect(w, r, profilePath(n)+"/chat?session="+url.QueryEscape(session), http.StatusSeeOther)
	}
}

func (p chatPage) notSaid(w http.ResponseWriter, r *http.Request, plain bool, n profile.Name, err error) {
	if plain {
		http.Error(w, logs.PrintableLines(err.Error()), http.StatusBadGateway)
		return
	}
	p.answer(w, r, backend.Outcome{Err: err}, "", profilePath(n)+"/chat")
}

// retry asks the last question of a session again, whose answer was broken off.
func (p chatPage) retry(w http.ResponseWriter, r *http.Request) {
	g, ok := p.gateway(w, r)
	if !ok {
		return
	}
	session := r.FormValue("session")
	asked, err := p.chat.Retry(r.Context(), g, session)
	p.journals.Record(visitor(r), "retry", g.Profile.String(), session, err)
	next := profilePath(g.Profile) + "/sessions"
	if asked {
		next = sessionPath(g.Profile.String(), session)
	}
	p.answer(w, r, backend.Outcome{Text: "asked again, and answered", Err: err}, next, next)
}

// flusher sends what is written at once.
type flusher struct {
	w  io.Writer
	rc *http.ResponseController
}

func (f flusher) Write(p []byte) (int, error) {
	f.rc.SetWriteDeadline(time.Now().Add(stream.WriteWithin))
	n, err := f.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, f.rc.Flush()
}
