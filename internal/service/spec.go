package service

import (
	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/service/restart"
)

// GatewaySpec defines the service of a profile's gateway, down.
func GatewaySpec(h profile.Home) Spec {
	drain := config.DefaultDrainTimeout
	if c, err := config.Load(h); err == nil { // the gateway reports a wrong file when it starts
		drain = c.Gateway.Drain()
	}
	return Spec{ID: Gateway(h.Name), KillAfter: drain + restart.KillMargin}
}
