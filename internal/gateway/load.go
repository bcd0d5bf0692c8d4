package gateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strings"

	"hermes/internal/model"
	"hermes/internal/model/echo"
	"hermes/internal/model/openai"
	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/env"
	"hermes/internal/profile/ports"
)

// settings are what the gateway has read from the profile's files.
type settings struct {
	config config.Config
	api    ports.Endpoint
	model  model.Provider
}

// load reads the profile's files. Its errors are *profile.ConfigError.
func (g *gateway) load(ctx context.Context) (s settings, err error) {
	h := g.o.Home
	if g.o.AssignPort != nil {
		if err := g.o.AssignPort(ctx); err != nil {
			return s, err
		}
	}
	if s.config, err = config.Load(h); err != nil {
		return s, err
	}
	if n := len(s.config.Unused); n > 0 {
		g.log.Warn("config.yaml is written for hermes-agent: what means nothing here is not used", "keys", n, "not_used", strings.Join(s.config.Unused[:min(n, 50)], " "))
	}
	vars, err := env.Load(h)
	if err != nil {
		return s, err
	}
	if s.api, err = ports.Resolve(h, s.config, vars, g.o.Getenv); err != nil {
		return s, err
	}
	if err := checkSoul(h); err != nil {
		return s, err
	}
	s.model, err = newModel(h, s.config.Model, vars, g.o.Getenv)
	return s, err
}

// checkSoul reads SOUL.md at the start, because otherwise every turn would fail to read it.
func checkSoul(h profile.Home) error {
	_, err := h.Files().ReadFile(profile.SoulName, profile.MaxSoul)
	var pe *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return &profile.ConfigError{File: h.Soul(), Msg: "missing: it says who the agent is"}
	case errors.As(err, &pe):
		err = pe.Err
	}
	return &profile.ConfigError{File: h.Soul(), Msg: "cannot read it: " + err.Error()}
}

func newModel(h profile.Home, c config.Model, vars env.Vars, getenv func(string) string) (model.Provider, error) {
	if c.Provider != "openai" {
		return echo.New(h.Config(), h.Env()), nil
	}
	key, err := vars.Secret(c.APIKeyEnv, getenv)
	if err != nil {
		return nil, err
	}
	if key == "" && sameHost(c.BaseURL, config.DefaultOpenAIBaseURL) {
		return nil, &profile.ConfigError{File: h.Env(), Key: c.APIKeyEnv,
			Msg: "missing: provider openai needs it; or set model.base_url in " + h.Config() + " to a server that needs no key"}
	}
	return openai.New(openai.Options{
		BaseURL: c.BaseURL, Model: c.Name, Key: key, MaxRetries: *c.MaxRetries,
		KeyHint: c.APIKeyEnv + " in " + h.Env(), ConfigFile: h.Config(),
	}), nil
}

func sameHost(a, b string) bool {
	ua, erra := url.Parse(a)
	ub, errb := url.Parse(b)
	return erra == nil && errb == nil && ua.Host == ub.Host
}

// listen binds the API's port before the gateway reports that it is ready, so that a taken port is found in time.
func (g *gateway) listen(s ports.Endpoint) (net.Listener, error) {
	ln, err := net.Listen("tcp", s.Listen())
	if err == nil {
		return ln, nil
	}
	change := fmt.Sprintf("change API_SERVER_PORT in %s or api_server.port in %s", g.o.Home.Env(), g.o.Home.Config())
	if addressInUse(err) {
		return nil, fmt.Errorf("cannot listen on port %d of %s: another program uses it; stop that one, or %s", s.Port, s.Host, change)
	}
	var oe *net.OpError
	if errors.As(err, &oe) {
		err = oe.Err
	}
	return nil, fmt.Errorf("cannot listen on port %d of %s: %w; %s", s.Port, s.Host, err, change)
}
