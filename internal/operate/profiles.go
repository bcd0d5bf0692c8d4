package operate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hermes/internal/environment"
	"hermes/internal/profile"
	"hermes/internal/profile/ports"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
)

// Profiles keeps profiles and their slots together (M10). Where no manager is in charge, or the manager
// registers nothing at run time, the slots' part does nothing.
type Profiles struct {
	Manager service.Manager // nil where none is in charge
	Store   *profile.Store
	// StopForeground ends a gateway that no manager runs, and returns when it is down or was not up.
	StopForeground func(ctx context.Context, h profile.Home, wait time.Duration) error
}

// Lifecycle returns what starts and stops the profiles' gateways.
func (p Profiles) Lifecycle() Lifecycle { return Lifecycle{Manager: p.Manager, Store: p.Store} }

// Registers reports whether every profile has a slot.
func (p Profiles) Registers() bool { return p.Manager != nil && p.Manager.SupportsRegistration() }

// installed returns the manager of the host if it runs a profile's gateway, else nil.
func (p Profiles) installed(n profile.Name) service.Installer {
	if i, ok := p.Manager.(service.Installer); ok && i.Installed(service.Gateway(n)) {
		return i
	}
	return nil
}

// Register gives a profile that exists its slot, down, and sees to it that it has its port.
func (p Profiles) Register(ctx context.Context, h profile.Home) error {
	if err := p.assignPort(ctx, h); err != nil {
		return err
	}
	if !p.Registers() {
		return nil
	}
	if err := p.Manager.Register(ctx, service.GatewaySpec(h)); err != nil {
		return err
	}
	// Deleted in the meantime: its slot must not stay behind.
	if _, err := p.Store.Get(h.Name); err != nil {
		return errors.Join(err, p.forgetAgain(context.WithoutCancel(ctx), h))
	}
	return nil
}

// assignPort sees to it that a profile has a port of its own.
func (p Profiles) assignPort(ctx context.Context, h profile.Home) error {
	_, err := ports.Assign(ctx, p.Store, h, environment.Get)
	var wrong *profile.ConfigError
	if errors.As(err, &wrong) {
		return nil // the gateway reports the wrong file when it starts
	}
	return err
}

// stop ends a gateway. wasUp tells whether it was wanted up; a gateway that its manager does not know was not.
func (p Profiles) stop(ctx context.Context, h profile.Home) (wasUp bool, err error) {
	if p.Manager == nil {
		return false, nil
	}
	id := service.Gateway(h.Name)
	st, err := p.Manager.Status(ctx, id)
	var unknown *service.GatewayNotRegisteredError
	if errors.As(err, &unknown) {
		return false, nil
	}
	if err != nil || !st.Up && !st.WantUp {
		return false, err
	}
	if st.Self {
		return false, &service.SelfError{Profile: h.Name, Action: "stop"}
	}
	if err := p.Manager.Stop(ctx, id, WaitFor(Stop, h)); err != nil {
		if _, serr := p.Manager.Status(ctx, id); !errors.As(serr, &unknown) {
			return false, err
		} // else somebody else who deletes it came first
	}
	return true, nil
}

func (p Profiles) forget(ctx context.Context, h profile.Home) error {
	if !p.Registers() && p.installed(h.Name) == nil {
		return nil
	}
	err := p.Manager.Unregister(ctx, service.Gateway(h.Name))
	if err == nil {
		return nil
	}
	// Somebody else who deletes it may have come first.
	var unknown *service.GatewayNotRegisteredError
	if _, serr := p.Manager.Status(ctx, service.Gateway(h.Name)); errors.As(serr, &unknown) {
		return nil
	}
	return err
}

// Known reports whether there is anything to delete under a name: a profile, a slot, or what an interrupted
// delete left. The error is *profile.NotFoundError if there is not.
func (p Profiles) Known(ctx context.Context, n profile.Name) error {
	if n.IsDefault() {
		return &profile.RootProfileError{Action: "`hermes profile delete`"}
	}
	_, err := p.Store.Get(n)
	var missing *profile.NotFoundError
	if !errors.As(err, &missing) || p.Store.Leftovers(n) {
		return nil
	}
	if p.Registers() || p.installed(n) != nil {
		if _, serr := p.Manager.Status(ctx, service.Gateway(n)); serr == nil {
			return nil
		}
	}
	return err
}

// Delete stops a profile's gateway, removes its slot, and then its home and its logs. It finishes what an interrupted
// call left. Errors: *profile.RootProfileError, *profile.NotFoundError, those of the manager.
func (p Profiles) Delete(ctx context.Context, n profile.Name) error {
	if err := p.Known(ctx, n); err != nil {
		return err
	}
	h := p.Store.Home(n)
	if _, err := p.stop(ctx, h); err != nil {
		return fmt.Errorf("cannot delete profile '%s': %w", n, err)
	}
	if err := p.forget(ctx, h); err != nil {
		return fmt.Errorf("cannot delete profile '%s': %w", n, err)
	}
	if _, running := profile.RunningPID(h); running && p.StopForeground != nil {
		// With this intent the gateway takes its end for a planned one. If the intent cannot be recorded, as on a full volume, the gateway
		// ends all the same.
		_ = profile.SetDesired(ctx, h, profile.DesiredStopped)
		if err := p.StopForeground(ctx, h, WaitFor(Stop, h)); err != nil {
			return fmt.Errorf("cannot delete profile '%s': %w", n, err)
		}
	}
	err := p.Store.Delete(ctx, n)
	var missing *profile.NotFoundError
	if errors.As(err, &missing) {
		err = nil // only its slot was left
	}
	if err != nil {
		return err
	}
	// A start that began before may have registered it again.
	return p.forgetAgain(context.WithoutCancel(ctx), h)
}

// forgetAgain removes a slot that came up while its profile went, and the log directory that its logger made anew.
func (p Profiles) forgetAgain(ctx context.Context, h profile.Home) error {
	if err := p.forget(ctx, h); err != nil || !p.Store.Leftovers(h.Name) {
		return err
	}
	return p.Store.Delete(ctx, h.Name)
}

// Rename gives a profile another name and its gateway another slot. ran tells whether the gateway was wanted up and
// is now to be started again under its new name, which the caller does. For a gateway that runs in the foreground the error is
// *profile.RunningError: nobody could start that one again.
func (p Profiles) Rename(ctx context.Context, from, to profile.Name) (h profile.Home, ran bool, err error) {
	// Ask first, so that a mistake stops no gateway.
	if err := p.Store.CanRename(from, to); err != nil {
		return profile.Home{}, false, err
	}
	old := p.Store.Home(from)
	host := p.installed(from)
	if ran, err = p.stop(ctx, old); err == nil && host == nil {
		err = p.forget(ctx, old)
	}
	if err != nil {
		return old, ran, fmt.Errorf("cannot rename profile '%s': %w", from, err)
	}
	h, err = provision.Rename(ctx, p.Store, from, to, environment.Get)
	if h.Name == from { // the profile kept its name, so it gets its slot back
		if rerr := p.back(context.WithoutCancel(ctx), old, ran); rerr != nil {
			err = errors.Join(err, rerr)
		}
		return h, false, err
	}
	if err = errors.Join(err, p.Register(ctx, h)); host != nil {
		err = errors.Join(err, host.Move(ctx, service.Gateway(from), service.GatewaySpec(h)))
	}
	return h, ran, err
}

// back restores the slot of a profile that could not be renamed.
func (p Profiles) back(ctx context.Context, h profile.Home, up bool) error {
	if p.Manager == nil {
		return nil
	}
	if err := p.Register(ctx, h); err != nil || !up {
		return err
	}
	return p.Manager.Start(ctx, service.Gateway(h.Name), 0)
}
