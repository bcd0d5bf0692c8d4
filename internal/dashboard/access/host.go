package access

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// localSuffixes are the ends of names that nobody can register on the Internet: RFC 6762, RFC 8375, RFC 6761, ICANN's reservation of
// .internal, and .lan, which is not delegated. So no stranger can make such a name point to this machine.
var localSuffixes = []string{".local", ".lan", ".internal", ".home.arpa", ".localhost"}

// allowedHost reports whether the dashboard answers under a name. The owner of a site can make the site's name point to this machine; for a
// browser, the site's pages then have the same origin as the dashboard (DNS rebinding). So the dashboard answers under names that no
// stranger can own, and under those that the operator named. Without credentials it answers under names of loopback only.
func (a *Access) allowedHost(hostport string) bool {
	host := hostOf(hostport)
	if !a.options.Protected() {
		return isLoopback(host)
	}
	if net.ParseIP(host) != nil || isLoopback(host) {
		return true
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "" {
		return false
	}
	if !strings.Contains(host, ".") {
		return true // the name of a machine or a container
	}
	for _, s := range localSuffixes {
		if strings.HasSuffix(host, s) {
			return true
		}
	}
	for _, allowed := range a.options.AllowedHosts {
		if host == allowed || strings.HasPrefix(allowed, "*.") && strings.HasSuffix(host, allowed[1:]) && len(host) > len(allowed)-1 {
			return true
		}
	}
	return false
}

// hostOf returns the host of a Host header, which may have a port.
func hostOf(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return unbracketed(hostport)
}

// unbracketed removes the brackets that an IPv6 address has in a URL (RFC 3986, 3.2.2).
func unbracketed(host string) string {
	if inner, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inner, "]") {
		return strings.TrimSuffix(inner, "]")
	}
	return host
}

// peer is where a request comes from, and how the visitor reaches the dashboard.
type peer struct {
	address netip.Addr
	tls     bool   // the visitor's connection is encrypted
	host    string // the name under which the visitor asks
	unknown bool   // a trusted proxy sent the request, and does not say for whom
	base    string // see parseBase
}

// from returns where a request comes from. If the other end of the connection is a trusted proxy, it is the last address in
// X-Forwarded-For that is not one. The error is about what a trusted proxy says.
func (a *Access) from(r *http.Request) (peer, error) {
	p := peer{tls: r.TLS != nil, host: r.Host}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		p.address = ap.Addr().Unmap()
	}
	trusted := a.trusted(p.address)
	var err error
	p.base, err = a.base(r, trusted)
	if !trusted {
		return p, err
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, ok := parseHop(strings.TrimSpace(hops[i]))
		if !ok {
			// The proxy names its visitor in a way that cannot be read. Addresses before this one are not believed. The visitor counts as
			// one from another machine, even if the proxy is on this one.
			p.unknown = true
			break
		}
		p.address = hop
		if !a.trusted(p.address) {
			break
		}
	}
	if v := r.Header.Values("X-Forwarded-Proto"); len(v) == 1 {
		p.tls = strings.EqualFold(strings.TrimSpace(v[0]), "https")
	}
	if v := r.Header.Values("X-Forwarded-Host"); len(v) == 1 {
		p.host = strings.TrimSpace(v[0])
	}
	return p, err
}

// parseHop reads one element of X-Forwarded-For: an address, with a port, as some proxies write it, or without.
func parseHop(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	addr, err := netip.ParseAddr(unbracketed(s))
	return addr.Unmap().WithZone(""), err == nil
}

func (a *Access) trusted(addr netip.Addr) bool { return a.options.Trusts(addr) }

// Trusts reports whether an address is that of a trusted proxy.
func (o Options) Trusts(addr netip.Addr) bool {
	for _, p := range o.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
