package api

import (
	"time"

	"hermes/internal/dashboard/backend"
	"hermes/internal/doctor"
	"hermes/internal/fleet"
	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/version"
)

// records are the operations that tell what happened, and what is wrong.
type records struct {
	store    *profile.Store
	fleet    *fleet.Fleet
	gateways backend.Gateways
	logs     backend.Logs
	journals *backend.Journals
	doctor   backend.Doctor
}

func (r records) operations() []operation {
	return []operation{
		{"GET", "/api/v1/version", r.version},
		{"GET", oneProfile + "/log", r.log},
		{"GET", "/api/v1/activity", r.activity},
		{"GET", "/api/v1/boot", r.boots},
		{"GET", "/api/v1/doctor", r.examine},
		{"POST", "/api/v1/doctor/fix", r.mend},
	}
}

func (r records) version(*call) (any, error) {
	snap := r.fleet.Snapshot()
	return map[string]any{"version": version.Version, "manager": snap.Manager, "control": snap.Control}, nil
}

func (r records) log(c *call) (any, error) {
	g, err := c.gateway(r.gateways)
	if err != nil {
		return nil, err
	}
	lines, err := r.logs.Tail(g.Profile, backend.ParseLogQuery(c.r.URL.Query()))
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
		v := lineView{Level: backend.LevelOf(l.Text), Text: logs.Printable(l.Text)}
		if !l.Time.IsZero() {
			t := l.Time.UTC()
			v.Time = &t
		}
		out = append(out, v)
	}
	return out
}

func (r records) activity(c *call) (any, error) {
	events, err := r.journals.Events(c.r.URL.Query().Get("only"))
	type item struct {
		Time   time.Time       `json:"time"`
		Action *backend.Action `json:"action,omitempty"`
		Change *fleet.Change   `json:"change,omitempty"`
	}
	list := make([]item, 0, len(events))
	for _, e := range events {
		list = append(list, item(e))
	}
	return map[string]any{"events": list}, err
}

func (r records) boots(*call) (any, error) {
	lines, err := backend.BootLines(r.store)
	if lines == nil {
		lines = []string{}
	}
	return map[string]any{"lines": lines}, err
}

func (r records) examine(c *call) (any, error) { return findings(r.doctor.Examine(c.ctx())) }

func (r records) mend(c *call) (any, error) { return findings(r.doctor.Mend(c.ctx(), c.visitor())) }

func findings(found []doctor.Finding, err error) (any, error) {
	if found == nil {
		found = []doctor.Finding{}
	}
	ok := true
	for _, f := range found {
		ok = ok && !f.Wrong()
	}
	return map[string]any{"ok": ok, "findings": found}, err
}
