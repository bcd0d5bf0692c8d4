package dashboard

import (
	"fmt"
	"net"
	"strconv"
)

// Config says where the dashboard listens and whom it lets in.
type Config struct {
	Host     string
	Port     int
	Username string
	Password string // secret
}

// DefaultPort is where the dashboard listens (contract "Environment").
const DefaultPort = 9119

// ConfigError reports a setting with which the dashboard must not start.
type ConfigError struct{ Msg string }

func (e *ConfigError) Error() string { return "cannot start the dashboard: " + e.Msg }

// FromEnv reads the dashboard's variables. Errors are of type *ConfigError.
func FromEnv(getenv func(string) string) (Config, error) {
	c := Config{
		Host:     "127.0.0.1",
		Port:     DefaultPort,
		Username: getenv("HERMES_DASHBOARD_BASIC_AUTH_USERNAME"),
		Password: getenv("HERMES_DASHBOARD_BASIC_AUTH_PASSWORD"),
	}
	if v := getenv("HERMES_DASHBOARD_HOST"); v != "" {
		c.Host = v
	}
	if v := getenv("HERMES_DASHBOARD_PORT"); v != "" {
		port, err := strconv.Atoi(v)
		if err != nil || port < 1 || port > 65535 {
			return c, &ConfigError{fmt.Sprintf("HERMES_DASHBOARD_PORT=%q: want a number from 1 to 65535", v)}
		}
		c.Port = port
	}
	if !c.loopback() && !c.protected() {
		return c, &ConfigError{fmt.Sprintf("it would listen on %s without credentials; set HERMES_DASHBOARD_BASIC_AUTH_USERNAME and "+
			"HERMES_DASHBOARD_BASIC_AUTH_PASSWORD, or HERMES_DASHBOARD_HOST=127.0.0.1", c.Host)}
	}
	if (c.Username == "") != (c.Password == "") {
		return c, &ConfigError{"only one of HERMES_DASHBOARD_BASIC_AUTH_USERNAME and HERMES_DASHBOARD_BASIC_AUTH_PASSWORD is set; set both or none"}
	}
	return c, nil
}

// protected reports whether visitors must log in.
func (c Config) protected() bool { return c.Username != "" && c.Password != "" }

func (c Config) loopback() bool { return isLoopback(c.Host) }

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
