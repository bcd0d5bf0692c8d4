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

// runOnHost runs a gateway that a service manager of the host started. s6-log and `hermes up` read the output of a gateway and
// write its log directory. A service manager of the host does not, so this process writes its log directory itself. systemd gets a
// copy for its journal.
func (o *gatewayRunOptions) runOnHost(ctx context.Context, kind service.Kind, opts gateway.Options) error {
	a := o.app
	w := logs.NewWriter(opts.Home.Logs())
	defer w.Close()
	out := io.Writer(w)
	if kind == service.KindSystemd {
		out = io.MultiWriter(w, a.Err)
		opts.NotifySocket = a.getenv("NOTIFY_SOCKET")
		// The processes that a gateway starts must not report its state.
		if err := os.Unsetenv("NOTIFY_SOCKET"); err != nil {
			return err
		}
	}
	a.Err = out // what is printed after the gateway has ended belongs into the log, too
	opts.Log = loggerTo(out, true)
	return o.hostExit(kind, runHosted(ctx, kind, opts))
}

// hostExit returns the error with which the process of a gateway ends. launchd and Windows start a process again whenever it ends
// with another code than 0. If the gateway is not to be started again, its error is therefore printed here, and the process ends with
// code 0; the gateway has written the reason into its state.
func (o *gatewayRunOptions) hostExit(kind service.Kind, err error) error {
	if kind == service.KindSystemd || err == nil || restart.Reported(exitCode(err)) != 0 {
		return err
	}
	o.app.report(err)
	return nil
}
