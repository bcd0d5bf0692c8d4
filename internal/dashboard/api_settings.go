package dashboard

import (
	"hermes/internal/profile"
	"hermes/internal/profile/env"
)

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
	names, err := env.Names(g.Home)
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
