package operate

import (
	"context"
	"errors"

	"hermes/internal/profile"
	"hermes/internal/service"
)

// Install makes the gateway of a profile that exists a service of the host, whose manager p.Manager is, and gives it a port if it has
// none. An installed one is brought up to date.
func (p Profiles) Install(ctx context.Context, h profile.Home) error {
	if err := p.assignPort(ctx, h); err != nil {
		return err
	}
	return p.Manager.Register(ctx, service.GatewaySpec(h))
}

// Uninstall stops a gateway for good and takes its service from the host. The profile stays; where it is gone, only the service goes.
func (p Profiles) Uninstall(ctx context.Context, n profile.Name) error {
	if _, err := p.Store.Get(n); err == nil {
		err := p.Lifecycle().Act(ctx, Stop, n)
		var unrecorded *service.NotKeptError // without its service nothing starts it again
		if err != nil && !errors.As(err, &unrecorded) {
			return err
		}
	}
	return p.Manager.Unregister(ctx, service.Gateway(n))
}
