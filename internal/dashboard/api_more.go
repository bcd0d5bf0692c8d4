package dashboard

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	_ "embed" // the description of the API

	"github.com/goccy/go-yaml"

	"hermes/internal/doctor"
	"hermes/internal/fleet"
	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/store"
	"hermes/internal/version"
)

//go:embed openapi.yaml
var openAPIDocument []byte

// openAPI sends the description of the API.
func (s *site) openAPI(w http.ResponseWriter, r *http.Request) {
	data, err := yaml.YAMLToJSON(openAPIDocument)
	if err != nil {
		s.apiAnswer(w, r, nil, err)
		return
	}
	s.apiAnswer(w, r, json.RawMessage(data), nil)
}

func (s *site) apiVersion(*apiCall) (any, error) {
	snap := s.fleet.Snapshot()
	return map[string]any{"version": version.Version, "manager": snap.Manager, "control": snap.Control}, nil
}

func (s *site) apiLog(c *apiCall) (any, error) {
	g, err := c.gateway()
	if err != nil {
		return nil, err
	}
	lines, err := s.logTail(g.Profile, parseLogQuery(c.r.URL.Query()))
	if err != nil {
		return nil, err
	}
	return map[string]any{"lines": lineViews(lines)}, nil
}

// lineView is a line of a log.
type lineView struct {
	Time  *time.Time `json:"time,omitempty"`
	Level string     `json:"level"`
	Text  string     `json:"text"`
}

func lineViews(lines []logs.Line) []lineView {
	out := make([]lineView, 0, len(lines))
	for _, l := range lines {
		v := lineView{Level: level(l.Text), Text: logs.Printable(l.Text)}
		if !l.Time.IsZero() {
			t := l.Time.UTC()
			v.Time = &t
		}
		out = append(out, v)
	}
	return out
}

type fileView struct {
	Text string `json:"text"`
	Tag  string `json:"tag"`
}

func (s *site) apiFile(read func(profile.Home) (profile.File, error)) func(*apiCall) (any, error) {
	return func(c *apiCall) (any, error) {
		g, err := c.gateway()
		if err != nil {
			return nil, err
		}
		f, err := read(g.Home)
		return fileView(f), err
	}
}

func (s *site) apiVariables(c *apiCall) (any, error) {
	g, err := c.gateway()
	if err != nil {
		return nil, err
	}
	names, err := g.Home.Variables()
	if names == nil {
		names = []string{}
	}
	return map[string]any{"variables": names}, err
}

// apiSet changes a setting, as the forms do.
func (s *site) apiSet(what string) func(*apiCall) (any, error) {
	return func(c *apiCall) (any, error) {
		n, err := c.name()
		if err != nil {
			return nil, err
		}
		values := map[string]string{"variable": c.r.PathValue("variable")}
		switch what {
		case "config", "soul":
			var b fileView
			if err := c.body(&b); err != nil {
				return nil, err
			}
			values["text"], values["tag"] = b.Text, b.Tag
		case "variable":
			var b struct {
				Value string `json:"value"`
			}
			if err := c.body(&b); err != nil {
				return nil, err
			}
			values["value"] = b.Value
		}
		return s.set(c.r.Context(), s.visitor(c.r), n, what, func(k string) string { return values[k] }).api()
	}
}

func (s *site) apiSessions(c *apiCall) (any, error) {
	g, err := c.gateway()
	if err != nil {
		return nil, err
	}
	v := s.conversations(c.r.Context(), g, c.r.URL.Query())
	type session struct {
		store.Session
		Created time.Time `json:"created"`
		Updated time.Time `json:"updated"`
	}
	type broken struct {
		Session  string    `json:"session"`
		Question string    `json:"question"`
		Created  time.Time `json:"created"`
	}
	list, off := make([]session, 0, len(v.List)), make([]broken, 0, len(v.Broken))
	for _, x := range v.List {
		list = append(list, session{x, x.Created, x.Updated})
	}
	for _, b := range v.Broken {
		off = append(off, broken(b))
	}
	return map[string]any{"sessions": list, "more": v.More, "usage": v.Usage, "broken_off": off}, v.Err
}

func (s *site) apiTranscript(c *apiCall) (any, error) {
	g, err := c.gateway()
	if err != nil {
		return nil, err
	}
	v := s.readTranscript(c.r, g)
	if v.Err != nil {
		return nil, v.Err
	}
	if len(v.Messages) == 0 {
		return nil, &apiError{http.StatusNotFound, "not_found", "there is no such session", ""}
	}
	type message struct {
		Role        string    `json:"role"`
		Content     string    `json:"content"`
		Interrupted bool      `json:"interrupted"`
		Created     time.Time `json:"created"`
	}
	list := make([]message, 0, len(v.Messages))
	for _, m := range v.Messages {
		list = append(list, message(m))
	}
	return map[string]any{"session": v.Session, "messages": list, "earlier": v.Earlier}, nil
}

func (s *site) apiChat(c *apiCall) (any, error) {
	g, err := c.gateway()
	if err != nil {
		return nil, err
	}
	var b struct {
		Session string `json:"session"`
		Message string `json:"message"`
	}
	if err := c.body(&b); err != nil {
		return nil, err
	}
	if err := sayable(b.Session, b.Message); err != nil {
		return nil, &apiError{http.StatusUnprocessableEntity, "message", err.Error(), ""}
	}
	var answer strings.Builder
	if err := s.ask(c.r.Context(), g.Profile, b.Session, b.Message, &answer); err != nil {
		return nil, &apiError{http.StatusBadGateway, "gateway", logText(err), ""}
	}
	return map[string]any{"session": b.Session, "answer": answer.String()}, nil
}

func (s *site) apiActivity(c *apiCall) (any, error) {
	events, err := s.events(c.r.URL.Query().Get("only"))
	type item struct {
		Time   time.Time     `json:"time"`
		Action *entry        `json:"action,omitempty"`
		Change *fleet.Change `json:"change,omitempty"`
	}
	list := make([]item, 0, len(events))
	for _, e := range events {
		list = append(list, item(e))
	}
	return map[string]any{"events": list}, err
}

func (s *site) apiBoot(*apiCall) (any, error) {
	lines, err := s.boots()
	if lines == nil {
		lines = []string{}
	}
	return map[string]any{"lines": lines}, err
}

func (s *site) apiDoctor(fix bool) func(*apiCall) (any, error) {
	return func(c *apiCall) (any, error) {
		found, err := s.examine(c.r, fix)
		if fix {
			s.record(s.visitor(c.r), "doctor --fix", "", "", err)
		}
		if found == nil {
			found = []doctor.Finding{}
		}
		wrong := 0
		for _, f := range found {
			wrong += bit(f.Wrong())
		}
		return map[string]any{"ok": wrong == 0, "findings": found}, err
	}
}

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
