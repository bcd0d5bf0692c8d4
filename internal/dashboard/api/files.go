package api

import (
	"context"

	"hermes/internal/dashboard/access"
	"hermes/internal/dashboard/backend"
	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/env"
)

// files are the operations on the files that a profile is made of: config.yaml, SOUL.md, and the variables of .env.
type files struct {
	gateways backend.Gateways
	actions  *backend.Actions
}

func (f files) operations() []operation {
	return []operation{
		{"GET", oneProfile + "/config", f.read(config.Read)},
		{"PUT", oneProfile + "/config", f.save(f.actions.SaveConfig)},
		{"GET", oneProfile + "/soul", f.read(profile.Home.ReadSoul)},
		{"PUT", oneProfile + "/soul", f.save(f.actions.SaveSoul)},
		{"GET", oneProfile + "/variables", f.variables},
		{"PUT", oneProfile + "/variables/{variable}", f.setVariable},
		{"DELETE", oneProfile + "/variables/{variable}", f.removeVariable},
	}
}

type fileView struct {
	Text string `json:"text"`
	Tag  string `json:"tag"`
}

func (f files) read(read func(profile.Home) (profile.File, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		g, err := c.gateway(f.gateways)
		if err != nil {
			return nil, err
		}
		file, err := read(g.Home)
		return fileView(file), err
	}
}

// saveText is Actions.SaveConfig or Actions.SaveSoul.
type saveText func(ctx context.Context, v access.Visitor, n profile.Name, text, tag string) backend.Outcome

func (f files) save(save saveText) func(*call) (any, error) {
	return func(c *call) (any, error) {
		n, err := c.name()
		if err != nil {
			return nil, err
		}
		var b fileView
		if err := c.body(&b); err != nil {
			return nil, err
		}
		return answerOf(save(c.ctx(), c.visitor(), n, b.Text, b.Tag))
	}
}

func (f files) variables(c *call) (any, error) {
	g, err := c.gateway(f.gateways)
	if err != nil {
		return nil, err
	}
	names, err := env.Names(g.Home)
	if names == nil {
		names = []string{}
	}
	return map[string]any{"variables": names}, err
}

func (f files) setVariable(c *call) (any, error) {
	n, err := c.name()
	if err != nil {
		return nil, err
	}
	var b struct {
		Value string `json:"value"`
	}
	if err := c.body(&b); err != nil {
		return nil, err
	}
	return answerOf(f.actions.SetVariable(c.ctx(), c.visitor(), n, c.r.PathValue("variable"), b.Value))
}

func (f files) removeVariable(c *call) (any, error) {
	n, err := c.name()
	if err != nil {
		return nil, err
	}
	return answerOf(f.actions.RemoveVariable(c.ctx(), c.visitor(), n, c.r.PathValue("variable")))
}
