package access

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"hermes/internal/environment"
	"hermes/internal/volume"
)

// Options says where the dashboard listens and whom it lets in.
type Options struct {
	Host     string
	Port     int
	Username string
	// Password is plain, or a bcrypt hash. Secret.
	Password string
	// Secret signs sessions, so that they survive a restart; "" for one that is made at start. Secret.
	Secret string
	// MetricsToken is a bearer token that is good for the metrics only; "" for none. Secret.
	MetricsToken string
	// TrustedProxies are whose X-Forwarded headers are believed.
	TrustedProxies []netip.Prefix
	// AllowedHosts are names under which the dashboard may be asked, beside addresses and local names; *.x stands for
	// every name below x.
	AllowedHosts []string
	// LoggedIn, if not nil, is told of everybody who came in, and how.
	LoggedIn func(v Visitor, by string)
	// LocalKey opens a dashboard without credentials, see Key. Secret.
	LocalKey string
	// Home is where sessions that are over are remembered; the zero Dir for nowhere.
	Home volume.Dir
	// OIDC may vouch for visitors, beside the password or instead of it.
	OIDC OIDC

	origin string // of HERMES_DASHBOARD_PUBLIC_URL: scheme, name and port
	base   string // the path of it, without a slash at the end
}

// DefaultPort is where the dashboard listens (contract "Environment").
const DefaultPort = 9119

// minSecret is the shortest HERMES_DASHBOARD_BASIC_AUTH_SECRET, in characters: 16 of base64 are 96 bits.
const minSecret = 16

// VariableError reports a setting with which the dashboard must not start. It carries no secret.
type VariableError struct{ Msg string }

func (e *VariableError) Error() string { return "cannot start the dashboard: " + e.Msg }

// FromEnv reads the dashboard's variables. A secret may also be in a file, whose path NAME_FILE has. Errors are of type
// *VariableError.
func FromEnv(getenv func(string) string) (Options, error) {
	o := Options{Host: "127.0.0.1", Port: DefaultPort, Username: getenv("HERMES_DASHBOARD_BASIC_AUTH_USERNAME")}
	for name, to := range map[string]*string{
		"HERMES_DASHBOARD_BASIC_AUTH_PASSWORD": &o.Password,
		"HERMES_DASHBOARD_BASIC_AUTH_SECRET":   &o.Secret,
		"HERMES_DASHBOARD_METRICS_TOKEN":       &o.MetricsToken,
		"HERMES_DASHBOARD_OIDC_CLIENT_SECRET":  &o.OIDC.ClientSecret,
	} {
		var err error
		if *to, err = environment.Secret(getenv, name); err != nil {
			return o, &VariableError{err.Error()}
		}
	}
	if v := getenv("HERMES_DASHBOARD_HOST"); v != "" {
		o.Host = unbracketed(v)
	}
	if v := getenv("HERMES_DASHBOARD_PORT"); v != "" {
		port, err := strconv.Atoi(v)
		if err != nil || port < 1 || port > 65535 {
			return o, &VariableError{fmt.Sprintf("HERMES_DASHBOARD_PORT=%q: want a number from 1 to 65535", v)}
		}
		o.Port = port
	}
	if err := o.lists(getenv); err != nil {
		return o, err
	}
	return o, o.check()
}

func (o *Options) lists(getenv func(string) string) error {
	for _, v := range list(getenv("HERMES_DASHBOARD_TRUSTED_PROXIES")) {
		p, err := netip.ParsePrefix(v)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(unbracketed(v)); err == nil {
				p = netip.PrefixFrom(a, a.BitLen())
			}
		}
		if err != nil {
			return &VariableError{fmt.Sprintf("HERMES_DASHBOARD_TRUSTED_PROXIES: %q is no address and no network like 10.0.0.0/8", v)}
		}
		o.TrustedProxies = append(o.TrustedProxies, p)
	}
	for _, v := range list(getenv("HERMES_DASHBOARD_ALLOWED_HOSTS")) {
		if net.ParseIP(unbracketed(v)) != nil {
			continue // addresses are answered anyway
		}
		if strings.ContainsAny(strings.TrimPrefix(v, "*."), "*/:@") {
			return &VariableError{fmt.Sprintf("HERMES_DASHBOARD_ALLOWED_HOSTS: %q: want names like hermes.example.org or *.example.org, without port", v)}
		}
		o.AllowedHosts = append(o.AllowedHosts, strings.ToLower(v))
	}
	if v := getenv("HERMES_DASHBOARD_PUBLIC_URL"); v != "" {
		if err := o.public(v); err != nil {
			return err
		}
	}
	o.OIDC.Issuer, o.OIDC.ClientID = getenv("HERMES_DASHBOARD_OIDC_ISSUER"), getenv("HERMES_DASHBOARD_OIDC_CLIENT_ID")
	o.OIDC.Allowed = list(getenv("HERMES_DASHBOARD_OIDC_ALLOWED"))
	return nil
}

// public reads HERMES_DASHBOARD_PUBLIC_URL.
func (o *Options) public(v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return &VariableError{"HERMES_DASHBOARD_PUBLIC_URL: want an address like https://hermes.example.org or https://example.org/hermes"}
	}
	if o.base, err = parseBase(u.EscapedPath()); err != nil {
		return &VariableError{"HERMES_DASHBOARD_PUBLIC_URL: " + err.Error()}
	}
	o.origin = u.Scheme + "://" + strings.ToLower(u.Host)
	if port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; u.Port() != "" {
		o.origin = strings.TrimSuffix(o.origin, port) // browsers leave it out
	}
	o.AllowedHosts = append(o.AllowedHosts, strings.ToLower(u.Hostname()))
	o.OIDC.PublicURL = v
	return nil
}

func list(v string) []string {
	return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
}

func (o Options) check() error {
	user, password := "HERMES_DASHBOARD_BASIC_AUTH_USERNAME", "HERMES_DASHBOARD_BASIC_AUTH_PASSWORD"
	switch {
	case !o.loopback() && !o.Protected():
		return &VariableError{fmt.Sprintf("it would listen on %s without credentials; set %s and %s, or HERMES_DASHBOARD_HOST=127.0.0.1", o.Host, user, password)}
	case (o.Username == "") != (o.Password == ""):
		return &VariableError{fmt.Sprintf("only one of %s and %s is set; set both or none", user, password)}
	case o.Secret != "" && len(o.Secret) < minSecret:
		return &VariableError{fmt.Sprintf("HERMES_DASHBOARD_BASIC_AUTH_SECRET has fewer than %d characters; `openssl rand -base64 24` makes one", minSecret)}
	case o.MetricsToken != "" && len(o.MetricsToken) < minSecret:
		return &VariableError{fmt.Sprintf("HERMES_DASHBOARD_METRICS_TOKEN has fewer than %d characters; `openssl rand -base64 24` makes one", minSecret)}
	}
	if isHash(o.Password) {
		if _, err := bcrypt.Cost([]byte(o.Password)); err != nil {
			return &VariableError{password + " begins like a bcrypt hash but is none; `hermes dashboard hash-password` makes one"}
		}
	}
	return o.OIDC.check()
}

// isHash reports whether a password is given as a bcrypt hash.
func isHash(password string) bool {
	for _, begin := range []string{"$2a$", "$2b$", "$2y$"} {
		if strings.HasPrefix(password, begin) {
			return true
		}
	}
	return false
}

// Address is where the dashboard listens.
func (o Options) Address() string { return net.JoinHostPort(o.Host, strconv.Itoa(o.Port)) }

// URL is where a visitor finds the dashboard, without a slash at its end: HERMES_DASHBOARD_PUBLIC_URL if it answers there, else where
// it listens.
func (o Options) URL() string {
	if o.ownOrigin() == "" {
		return "http://" + o.Address()
	}
	return o.origin + o.base
}

// ownOrigin is the origin of HERMES_DASHBOARD_PUBLIC_URL if the dashboard answers under its name, else "". Without
// credentials it answers on loopback only.
func (o Options) ownOrigin() string {
	if u, err := url.Parse(o.origin); err != nil || !o.Protected() && !isLoopback(u.Hostname()) {
		return ""
	}
	return o.origin
}

// Protected reports whether visitors must log in.
func (o Options) Protected() bool { return o.password() || o.OIDC.on() }

// may reports whether somebody who came in with a session still may.
func (o Options) may(s session) bool {
	switch s.By {
	case byPassword:
		return o.password() && s.User == o.Username
	case byIssuer:
		return o.OIDC.on() && o.OIDC.allows(s.User)
	case byLink:
		return !o.Protected()
	}
	return false
}

func (o Options) password() bool { return o.Username != "" && o.Password != "" }

func (o Options) loopback() bool { return isLoopback(o.Host) }

// isLoopback reports whether a name or an address, in brackets or not, is of this machine only.
func isLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip := net.ParseIP(unbracketed(host))
	return ip != nil && ip.IsLoopback()
}
