package dashboard

import (
	"net/http"
	"time"

	_ "embed" // the description of the API

	"go.yaml.in/yaml/v3"

	"hermes/internal/doctor"
	"hermes/internal/fleet"
	"hermes/internal/logs"
	"hermes/internal/version"
)

//go:embed openapi.yaml
var openAPIDocument []byte

// openAPI sends the description of the API.
func (s *site) openAPI(w http.ResponseWriter, r *http.Request) {
	var doc map[string]any
	err := yaml.Unmarshal(openAPIDocument, &doc)
	if err != nil {
		s.apiAnswer(w, r, nil, err)
		return
	}
	doc["servers"] = []map[string]string{{"url": at(r.Context(), "/")}}
	s.apiAnswer(w, r, doc, nil)
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
