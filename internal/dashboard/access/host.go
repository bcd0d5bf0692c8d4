package access

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// localSuffixes end names that nobody can register on the Internet (RFC 6762, RFC 8375, RFC 6761, ICANN's reservation of
// .internal, and .lan by custom: it is not delegated), so that no stranger can have one point here.
var localSuffixes = []string{".local", ".lan", ".internal", ".home.arpa", ".localhost"}

// allowedHost reports whether the dashboard answers under a name. A page on the web may have a name of its own point to
// this address and then ask as if it were ours (DNS rebinding): only names that no stranger can have are answered, and
// those that the operator gave. Without credentials only loopback is.
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

func hostOf(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return unbracketed(hostport)
}

// unbracketed returns an address of IPv6 without the brackets that it has in a URL (RFC 3986, 3.2.2).
func unbracketed(host string) string {
	if inner, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inner, "]") {
		return strings.TrimSuffix(inner, "]")
	}
	return host
}

// peer is where a request comes from.
type peer struct {
	address netip.Addr
	tls     bool
	host    string
	unknown bool // a trusted proxy sent it, for whom cannot be told
	base    string
}

// from tells where a request comes from: the other end of the connection or, where that is a trusted proxy, the
// nearest hop before it that is none. The error is about what such a proxy says.
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
			// The proxy speaks for somebody whom it does not name so that we understand it. What stands before that is not
			// believed, and that one is not of this machine, wherever the proxy is.
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

// parseHop reads one element of X-Forwarded-For: an address, with a port or without, as some proxies write it.
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
