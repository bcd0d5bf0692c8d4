package operate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
)

// Lifecycle starts and stops gateways through a manager, and records what the operator wants. It writes the intent first, then
// tells the manager, and takes the intent back if the manager refuses.
type Lifecycle struct {
	Manager service.Manager
	Store   *profile.Store
	// Wait says how long Act and All wait; 0 is not at all. Nil is WaitFor.
	Wait func(Action, profile.Home) time.Duration
}

// Start records that a gateway is to run and starts it. A profile that has no slot yet gets one.
// Errors are those of Manager.Start; one that is not ready is *FailedStartError, and a profile that does not exist is
// *service.GatewayNotRegisteredError.
func (l Lifecycle) Start(ctx context.Context, n profile.Name, wait time.Duration) error {
	begun := time.Now()
	h, err := l.registered(ctx, n)
	if err != nil {
		return err
	}
	err = l.intend(ctx, h, profile.DesiredRunning, func() error {
		return l.Manager.Start(ctx, service.Gateway(n), wait)
	})
	return explained(ctx, err, h, begun)
}

// Stop records that a gateway is to stay down and stops it. A volume that takes no record, such as a full one, does not keep
// it from stopping: the error is *NotKeptError then, if the manager has none of its own.
func (l Lifecycle) Stop(ctx context.Context, n profile.Name, wait time.Duration) error {
	st, err := l.Manager.Status(ctx, service.Gateway(n))
	if err != nil {
		return err
	}
	if st.Self {
		return &service.SelfError{Profile: n, Action: "stop"}
	}
	h := l.Store.Home(n)
	stop := func() error { return l.Manager.Stop(ctx, service.Gateway(n), wait) }
	err = l.intend(ctx, h, profile.DesiredStopped, stop)
	var unwritten *unwrittenError
	if !errors.As(err, &unwritten) || ctx.Err() != nil {
		return err
	}
	if s, rerr := profile.ReadState(h); rerr == nil && s.Desired == profile.DesiredStopped {
		return stop() // an earlier stop recorded it
	}
	if serr := stop(); serr != nil {
		return errors.Join(serr, err)
	}
	return &service.NotKeptError{Profile: n, Down: wait > 0, Err: unwritten.err}
}

// Restart records that a gateway is to run and restarts it, or starts it if it is down. Errors are as with Start.
func (l Lifecycle) Restart(ctx context.Context, n profile.Name, wait time.Duration) error {
	begun := time.Now()
	h, err := l.registered(ctx, n)
	if err != nil {
		return err
	}
	st, err := l.Manager.Status(ctx, service.Gateway(n))
	if err != nil {
		return err
	}
	if st.Self {
		return &service.SelfError{Profile: n, Action: "restart"}
	}
	err = l.intend(ctx, h, profile.DesiredRunning, func() error {
		return l.Manager.Restart(ctx, service.Gateway(n), wait)
	})
	return explained(ctx, err, h, begun)
}

// registered returns the home of a profile that exists and sees to it that it has a slot.
func (l Lifecycle) registered(ctx context.Context, n profile.Name) (profile.Home, error) {
	h, err := l.Store.Get(n)
	var missing *profile.NotFoundError
	if errors.As(err, &missing) {
		return h, service.NotRegistered(service.Gateway(n))
	}
	if err != nil {
		return h, err
	}
	_, err = l.Manager.Status(ctx, service.Gateway(n))
	var unknown *service.GatewayNotRegisteredError
	if errors.As(err, &unknown) && l.Manager.SupportsRegistration() {
		err = Profiles{Manager: l.Manager, Store: l.Store}.Register(ctx, h)
	}
	return h, err
}

// unwrittenError reports an intent that could not be recorded: nothing was done.
type unwrittenError struct {
	profile profile.Name
	want    profile.DesiredState
	err     error
}

func (e *unwrittenError) Error() string {
	return fmt.Sprintf("cannot record that '%s' is to be %s: %v", e.profile, e.want, e.err)
}

func (e *unwrittenError) Unwrap() error { return e.err }

// intend records an intent, calls act, and takes the intent back if act fails. If it cannot record the intent it does not call act, and
// the error is *unwrittenError. The intent stays if the manager did what it was told and the gateway is not ready or not down yet, and
// also if the wait was cut short: the manager goes on with what it was told.
func (l Lifecycle) intend(ctx context.Context, h profile.Home, want profile.DesiredState, act func() error) error {
	var before profile.DesiredState
	err := profile.UpdateState(ctx, h, func(s *profile.State) error {
		before, s.Desired = s.Desired, want
		return nil
	})
	if err != nil {
		return &unwrittenError{h.Name, want, err}
	}
	err = act()
	var notReady *service.NotReadyError
	var notDown *service.NotDownError
	if err == nil || errors.As(err, &notReady) || errors.As(err, &notDown) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return l.agree(context.WithoutCancel(ctx), h, want, err)
	}
	uerr := profile.UpdateState(context.WithoutCancel(ctx), h, func(s *profile.State) error {
		if s.Desired == want { // else another command has written its own intent meanwhile
			s.Desired = before
		}
		return nil
	})
	return errors.Join(err, uerr)
}

// agree looks whether another command has written another intent after this one did. That command may have told the manager before this
// one told it, so agree tells the manager again: the command that wrote last is obeyed. The other command waits for the outcome.
func (l Lifecycle) agree(ctx context.Context, h profile.Home, told profile.DesiredState, outcome error) error {
	asked := told
	for {
		s, err := profile.ReadState(h)
		if err != nil || s.Desired == told || s.Desired == "" {
			break // the profile is gone or its state cannot be read: no other intent is known
		}
		told = s.Desired
		tell := l.Manager.Start
		if told == profile.DesiredStopped {
			tell = l.Manager.Stop
		}
		if err := tell(ctx, service.Gateway(h.Name), 0); err != nil {
			return errors.Join(outcome, err)
		}
	}
	if told != asked {
		return &service.OverruledError{Profile: h.Name, Wanted: told}
	}
	return outcome
}
