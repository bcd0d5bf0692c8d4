package api

import (
	"fmt"
	"net/http"
	"time"

	"hermes/internal/dashboard/backend"
	"hermes/internal/fleet"
	"hermes/internal/logs"
	"hermes/internal/operate"
	"hermes/internal/profile"
)

// profiles are the operations on profiles and their gateways.
type profiles struct {
	fleet    *fleet.Fleet
	gateways backend.Gateways
	actions  *backend.Actions
}

func (p profiles) operations() []operation {
	return []operation{
		{"GET", "/api/v1/profiles", p.list},
		{"POST", "/api/v1/profiles", p.create},
		{"GET", oneProfile, p.show},
		{"DELETE", oneProfile, p.remove},
		{"POST", oneProfile + "/rename", p.rename},
		{"POST", oneProfile + "/start", p.act(operate.Start)},
		{"POST", oneProfile + "/stop", p.act(operate.Stop)},
		{"POST", oneProfile + "/restart", p.act(operate.Restart)},
		{"POST", "/api/v1/all/stop", p.actOnAll(operate.Stop)},
		{"POST", "/api/v1/all/restart", p.actOnAll(operate.Restart)},
	}
}

// gatewayView is what programs are told of a gateway.
type gatewayView struct {
	fleet.View
	Home     string           `json:"home"`
	Since    *time.Time       `json:"since,omitempty"`
	Counters profile.Counters `json:"counters"`
	GiveUps  int              `json:"give_ups"`
	History  []fleet.Change   `json:"history,omitempty"`
	Samples  []int64          `json:"memory_samples,omitempty"`
}

// viewOf returns what programs are told of a gateway, with its history if whole is true.
func viewOf(g *fleet.Gateway, whole bool) gatewayView {
	v := gatewayView{View: g.View, Home: g.Home.Dir, Counters: g.Counters, GiveUps: g.GiveUps}
	v.Reason = logs.Printable(v.Reason)
	if g.Up() {
		since := g.Since.UTC()
		v.Since, v.Uptime = &since, time.Since(g.Since).Truncate(time.Second).Seconds()
	}
	if whole {
		v.History, v.Samples = g.History, g.Samples
	}
	return v
}

func (p profiles) list(*call) (any, error) {
	snap := p.fleet.Snapshot()
	if snap.Err != nil {
		return nil, &callError{http.StatusServiceUnavailable, "unavailable", textOf(snap.Err), ""}
	}
	list := make([]gatewayView, 0, len(snap.Gateways))
	for _, g := range snap.Gateways {
		list = append(list, viewOf(g, false))
	}
	type broken struct {
		Label string `json:"label"`
		Error string `json:"error"`
	}
	bad := make([]broken, 0, len(snap.Broken))
	for _, e := range snap.Broken {
		bad = append(bad, broken{logs.Printable(e.Label), textOf(e.Err)})
	}
	return map[string]any{"profiles": list, "broken": bad, "manager": snap.Manager, "control": snap.Control}, nil
}

func (p profiles) show(c *call) (any, error) {
	g, err := c.gateway(p.gateways)
	if err != nil {
		return nil, err
	}
	return viewOf(g, true), nil
}

func (p profiles) create(c *call) (any, error) {
	var b struct {
		Name  string `json:"name"`
		From  string `json:"from"`
		Start bool   `json:"start"`
	}
	if err := c.body(&b); err != nil {
		return nil, err
	}
	return answerOf(p.actions.Create(c.ctx(), c.visitor(), b.Name, b.From, b.Start))
}

func (p profiles) remove(c *call) (any, error) {
	n, err := c.name()
	if err != nil {
		return nil, err
	}
	var b struct {
		Confirm string `json:"confirm"`
	}
	if err := c.body(&b); err != nil {
		return nil, err
	}
	if b.Confirm != n.String() {
		return nil, &callError{http.StatusUnprocessableEntity, "confirm", fmt.Sprintf("confirm is not '%s': nothing is deleted", n), ""}
	}
	return answerOf(p.actions.Delete(c.ctx(), c.visitor(), n))
}

func (p profiles) rename(c *call) (any, error) {
	n, err := c.name()
	if err != nil {
		return nil, err
	}
	var b struct {
		To string `json:"to"`
	}
	if err := c.body(&b); err != nil {
		return nil, err
	}
	return answerOf(p.actions.Rename(c.ctx(), c.visitor(), n, b.To))
}

func (p profiles) act(action operate.Action) func(*call) (any, error) {
	return func(c *call) (any, error) {
		n, err := c.name()
		if err != nil {
			return nil, err
		}
		return answerOf(p.actions.Act(c.ctx(), c.visitor(), n, action))
	}
}

func (p profiles) actOnAll(action operate.Action) func(*call) (any, error) {
	return func(c *call) (any, error) { return answerOf(p.actions.ActOnAll(c.ctx(), c.visitor(), action)) }
}
