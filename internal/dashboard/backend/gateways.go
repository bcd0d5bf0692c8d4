package backend

import (
	"hermes/internal/fleet"
	"hermes/internal/profile"
)

// Gateways finds gateways by the names of their profiles.
type Gateways struct {
	fleet *fleet.Fleet
	store *profile.Store
}

// Find returns the gateway of a profile. A profile that was made a moment ago may not be in the picture yet; its gateway is shown as
// stopped. The error is *profile.NotFoundError.
func (g Gateways) Find(n profile.Name) (*fleet.Gateway, error) {
	if gateway, ok := g.fleet.Snapshot().Get(n); ok {
		return gateway, nil
	}
	h, err := g.store.Get(n)
	if err != nil {
		return nil, &profile.NotFoundError{Name: n}
	}
	gateway := &fleet.Gateway{Home: h}
	gateway.Profile, gateway.State, gateway.Restarts, gateway.LogFile = n, string(profile.StateStopped), -1, h.LogDir()+"/current"
	return gateway, nil
}
