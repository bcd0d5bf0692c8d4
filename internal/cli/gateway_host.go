package cli

import (
	"bytes"
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
	w := &lineLog{w: logs.NewWriter(o.Home.Logs())}
	defer w.w.Close()
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

// lineLog takes text for a log directory. What does not end in a line is one all the same. A line that cannot be
// written is lost: the gateway goes on.
type lineLog struct{ w *logs.Writer }

func (l *lineLog) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		_ = l.w.Line(bytes.TrimSuffix(line, []byte{'\n'}))
	}
	return len(p), nil
}
