package gateway

import "net"

// notify sends a state to the service manager (sd_notify(3)). A socket name that begins with @ is in the abstract namespace;
// package net reads such a name in the same way.
func (g *gateway) notify(state string) {
	if g.o.NotifySocket == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: g.o.NotifySocket, Net: "unixgram"})
	if err == nil {
		defer c.Close()
		_, err = c.Write([]byte(state))
	}
	if err != nil {
		g.log.Warn("cannot tell the service manager", "state", state, "error", err)
	}
}
