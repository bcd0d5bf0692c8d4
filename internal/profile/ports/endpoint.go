package ports

import (
	"net"
	"strconv"
	"strings"

	"hermes/internal/environment"
	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/env"
)

// Endpoint says where the API server of a profile's gateway listens and which key it asks for.
type Endpoint struct {
	Host string
	Port int
	Key  string // secret
}

// DefaultHost is where the API server listens if nothing else is configured (contract "Ports").
const DefaultHost = "127.0.0.1"

// EndpointOf reads a profile's files and returns its Endpoint. Errors are *profile.ConfigError.
func EndpointOf(h profile.Home, getenv func(string) string) (Endpoint, error) {
	c, err := config.Load(h)
	if err != nil {
		return Endpoint{}, err
	}
	vars, err := env.Load(h)
	if err != nil {
		return Endpoint{}, err
	}
	return Resolve(h, c, vars, getenv)
}

// Listen returns the address on which the server listens.
func (e Endpoint) Listen() string { return net.JoinHostPort(e.Host, strconv.Itoa(e.Port)) }

// Dial returns the address at which a process on the same machine reaches the server.
func (e Endpoint) Dial() string {
	host := e.Host
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		// A server on `::` also listens on IPv4 addresses. 127.0.0.1 works even in a container that has no ::1.
		host = DefaultHost
	}
	return net.JoinHostPort(host, strconv.Itoa(e.Port))
}

// Resolve returns a profile's Endpoint (contract "Ports"). The profile's .env wins over its config.yaml, and that over the derived
// port. For the default profile the container's API_SERVER_* variables win over all of them; for other profiles they do not count.
func Resolve(h profile.Home, c config.Config, vars env.Vars, getenv func(string) string) (Endpoint, error) {
	lookup := func(name string) (value, source string) {
		if v := getenv(name); v != "" && h.Name.IsDefault() {
			return v, "the environment"
		}
		return vars[name], h.Env()
	}
	s := Endpoint{Host: DefaultHost, Port: Derived(h.Name)}
	if c.APIServer.Host != "" {
		s.Host = c.APIServer.Host
	}
	if c.APIServer.Port != 0 {
		s.Port = c.APIServer.Port
	}
	if v, _ := lookup(env.Host); v != "" {
		s.Host = v
	}
	if inner, ok := strings.CutPrefix(s.Host, "["); ok { // as in a URL (RFC 3986, 3.2.2)
		s.Host = strings.TrimSuffix(inner, "]")
	}
	if v, source := lookup(env.Port); v != "" {
		port, err := strconv.Atoi(v)
		if err != nil || port < 1 || port > 65535 {
			return s, &profile.ConfigError{File: source, Key: env.Port, Msg: "want a number from 1 to 65535"}
		}
		s.Port = port
	}
	if h.Name.IsDefault() {
		var err error
		if s.Key, err = environment.Secret(getenv, env.Key); err != nil {
			return s, &profile.ConfigError{File: "the environment", Msg: err.Error()}
		}
	}
	if s.Key == "" {
		s.Key = vars[env.Key]
	}
	if s.Key == "" {
		return s, &profile.ConfigError{File: h.Env(), Key: env.Key, Msg: "missing: add a line API_SERVER_KEY=<a long random text>"}
	}
	return s, nil
}
