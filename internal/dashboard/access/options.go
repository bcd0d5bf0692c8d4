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

// Options say where the dashboard listens and whom it lets in. Most of them come from its variables, see FromEnv.
type Options struct {
	Host     string
	Port     int
	Username string
	// Password is the password itself or its bcrypt hash. Secret.
	Password string
	// Secret is what the keys of the sessions are made from. With "" the key of the home or, if there is none, a random secret is used;
	// sessions end with the process that made a random one. Secret.
	Secret string
	// MetricsToken is a bearer token with which a program may read the metrics and nothing else; "" for none. Secret.
	MetricsToken string
	// TrustedProxies are the addresses of proxies whose X-Forwarded headers are believed.
	TrustedProxies []netip.Prefix
	// AllowedHosts are names under which the dashboard answers, in addition to IP addresses and local names. *.x is every name below x.
	AllowedHosts []string
	// LoggedIn, if not nil, is called when a visitor has logged in. by says how: password, oidc or link.
	LoggedIn func(v Visitor, by string)
	// LocalKey is the key of the home, see Key. Where there are no credentials, it and the links that are made with it let visitors in.
	// Secret.
	LocalKey string
	// Home is the directory with the file that lists sessions that were ended. With the zero Dir they are forgotten when the process ends.
	Home volume.Dir
	// OIDC is the issuer that vouches for visitors. There may be a password, too.
	OIDC OIDC

	origin string // the scheme, name and port of HERMES_DASHBOARD_PUBLIC_URL
	base   string // the path of that URL, without a slash at the end
}

// DefaultPort is the port on which the dashboard listens (contract "Environment").
const DefaultPort = 9119

// minSecret is the shortest secret and the shortest token for metrics, in characters. 16 characters of base64 are 96 bits.
const minSecret = 16

// VariableError reports a variable with which the dashboard must not start. Its text has no secret in it.
type VariableError struct{ Msg string }

func (e *VariableError) Error() string { return "cannot start the dashboard: " + e.Msg }

// FromEnv reads the dashboard's variables, HERMES_DASHBOARD_*. A secret may be in a file instead, whose path is in the variable NAME_FILE.
// Errors are of type *VariableError.
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

// lists reads the variables that have several values, and those that name the public address and the issuer.
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
			continue // the dashboard answers under addresses anyway
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

// public reads the value of HERMES_DASHBOARD_PUBLIC_URL.
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
		o.origin = strings.TrimSuffix(o.origin, port) // browsers leave the usual port out of an origin
	}
	o.AllowedHosts = append(o.AllowedHosts, strings.ToLower(u.Hostname()))
	o.OIDC.PublicURL = v
	return nil
}

// list splits a value at commas and spaces.
func list(v string) []string {
	return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
}

// check returns an error if the options do not go together, or would let everybody in.
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

// isHash reports whether a password begins as a bcrypt hash does.
func isHash(password string) bool {
	for _, begin := range []string{"$2a$", "$2b$", "$2y$"} {
		if strings.HasPrefix(password, begin) {
			return true
		}
	}
	return false
}

// Address is the host and the port on which the dashboard listens.
func (o Options) Address() string { return net.JoinHostPort(o.Host, strconv.Itoa(o.Port)) }

// URL is the address under which a visitor finds the dashboard, without a slash at its end: HERMES_DASHBOARD_PUBLIC_URL if the dashboard
// answers under that name, else the address on which it listens.
func (o Options) URL() string {
	if o.ownOrigin() == "" {
		return "http://" + o.Address()
	}
	return o.origin + o.base
}

// ownOrigin is the origin of HERMES_DASHBOARD_PUBLIC_URL if the dashboard answers under that name, else "". Without credentials it answers
// under names of loopback only.
func (o Options) ownOrigin() string {
	if u, err := url.Parse(o.origin); err != nil || !o.Protected() && !isLoopback(u.Hostname()) {
		return ""
	}
	return o.origin
}

// Protected reports whether there are credentials: a password or an issuer.
func (o Options) Protected() bool { return o.password() || o.OIDC.on() }

// may reports whether the visitor of a session could still log in, in the way in which the session began.
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

// password reports whether there is a user name with a password.
func (o Options) password() bool { return o.Username != "" && o.Password != "" }

// loopback reports whether the dashboard listens on loopback.
func (o Options) loopback() bool { return isLoopback(o.Host) }

// isLoopback reports whether a name or an address means this machine itself. An address may be in brackets.
func isLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip := net.ParseIP(unbracketed(host))
	return ip != nil && ip.IsLoopback()
}
