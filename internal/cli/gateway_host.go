package cli

import (
	"context"
	"io"
	"os"

	"hermes/internal/gateway"
	"hermes/internal/logs"
	"hermes/internal/service"
	"hermes/internal/service/restart"
)

// hostGateway runs a gateway that a service manager of the host started. Nobody reads its output line by line, as s6-log
// and `hermes up` do: it writes its log directory itself. What the journal of systemd gets is a copy.
func (a *app) hostGateway(ctx context.Context, kind service.Kind, o gateway.Options) error {
	w := logs.NewWriter(o.Home.Logs())
	defer w.Close()
	out := io.Writer(w)
	if kind == service.KindSystemd {
		out = io.MultiWriter(w, a.Err)
		o.NotifySocket = a.getenv("NOTIFY_SOCKET")
		// What a gateway starts must not speak for it.
		if err := os.Unsetenv("NOTIFY_SOCKET"); err != nil {
			return err
		}
	}
	a.Err = out // for what is said after the gateway has ended, too
	o.Log = loggerTo(out, true)
	return a.hostExit(kind, runHosted(ctx, kind, o))
}

// hostExit reports an end to a manager that knows no exit code but 0: launchd, and Windows, start again whatever ends
// with another one. A gateway that is not to be started again has written why into its state.
func (a *app) hostExit(kind service.Kind, err error) error {
	if kind == service.KindSystemd || err == nil || restart.Reported(exitCode(err)) != 0 {
		return err
	}
	a.report(err)
	return nil
}
