package cli

import (
	"context"
	"errors"

	"golang.org/x/sys/windows/svc"

	"hermes/internal/gateway"
	"hermes/internal/service"
	"hermes/internal/service/restart"
)

// runHosted runs the gateway as a Windows service until the service control manager ends it. If Windows did not start this process
// as a service, it runs until a signal ends it.
func runHosted(ctx context.Context, kind service.Kind, o gateway.Options) error {
	if is, err := svc.IsWindowsService(); kind != service.KindWindows || err != nil || !is {
		return gateway.Run(ctx, o)
	}
	w := &windowsService{ctx: ctx, o: o}
	// Windows does not use the name of a service that has a process of its own.
	if err := svc.Run(service.Gateway(o.Home.Name).String(), w); err != nil {
		return err
	}
	return w.err
}

// errServiceStop is the cause of the gateway's context when the service control manager ends the service.
var errServiceStop = errors.New("stopped by the service control manager")

// windowsService is the gateway as the service control manager sees it.
type windowsService struct {
	ctx context.Context //nolint:containedctx // svc.Run takes no context
	o   gateway.Options
	err error // how the gateway ended
}

// Execute answers the service control manager until the gateway has ended.
func (w *windowsService) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (bool, uint32) {
	const accepted = svc.AcceptStop | svc.AcceptShutdown
	status <- svc.Status{State: svc.StartPending}
	ctx, cancel := context.WithCancelCause(w.ctx)
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() { ended <- gateway.Run(ctx, w.o) }()
	status <- svc.Status{State: svc.Running, Accepts: accepted}
	for {
		select {
		case w.err = <-ended:
			status <- svc.Status{State: svc.StopPending}
			if errors.Is(w.err, errServiceStop) {
				w.err = nil
			}
			if w.err == nil {
				return false, 0
			}
			code := restart.Reported(exitCode(w.err))
			return code != 0, uint32(code) //nolint:gosec // exit codes are small
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				status <- r.CurrentStatus
			case svc.Stop, svc.Shutdown:
				status <- svc.Status{State: svc.StopPending}
				cancel(errServiceStop)
			}
		}
	}
}
