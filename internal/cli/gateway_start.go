package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/service"
)

func (a *app) gatewayStartCommand() *cobra.Command {
	var w waiting
	var all bool
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start a gateway under the supervisor and wait until it is ready",
		Long: `start wants a gateway up, now and after every restart of the container, and returns when it is ready. If it does
not become ready, start says why, with the last lines of its log. A gateway that the supervisor gave
up on gets all its tries again.`,
		Example: `  hermes gateway start
  hermes -p coder gateway start --timeout 1m`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if all {
				return &usageError{errors.New("`start --all` is no command: start each profile with `hermes -p NAME gateway start`; " +
					"those that are to run are started at every boot")}
			}
			return a.act(cmd.Context(), "start", func(ctx context.Context, l operate.Lifecycle, n profile.Name) error {
				return l.Start(ctx, n, w.duration())
			}, w.noWait)
		},
	}
	w.flags(cmd, startTimeout, "ready")
	// Refused, in words: people try it (M8).
	cmd.Flags().BoolVar(&all, "all", false, "")
	if err := cmd.Flags().MarkHidden("all"); err != nil {
		panic(err) // a flag is misspelt above
	}
	return cmd
}

// done names what a lifecycle command did, for its one line of output.
var done = map[string]string{"start": "is ready", "restart": "is ready again", "stop": "is down"}

type lifecycleFunc func(context.Context, operate.Lifecycle, profile.Name) error

// act runs one lifecycle command for the profile of -p and says what came of it.
func (a *app) act(ctx context.Context, action string, f lifecycleFunc, noWait bool) error {
	n, err := a.name()
	if err != nil {
		return err
	}
	l, err := a.lifecycle()
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := f(ctx, l, n); err != nil {
		return a.withLog(err, l.Store.Home(n), begun)
	}
	st, err := l.Manager.Status(ctx, service.Gateway(n))
	if err != nil {
		return err
	}
	if a.format == "json" {
		return a.json(map[string]any{"profile": n, "action": action, "status": st})
	}
	result := done[action]
	if noWait {
		result = "was told to " + action
	}
	if st.PID != 0 && !noWait {
		result += fmt.Sprintf(" (pid %d)", st.PID)
	}
	_, err = fmt.Fprintf(a.Out, "✓ gateway '%s' %s\n", n, result)
	return err
}

// withLog adds the reason and the last lines of the log to an error about readiness (B4): those since the command began. What
// earlier lives said would be taken for the reason of this one.
func (a *app) withLog(err error, h profile.Home, begun time.Time) error {
	var notReady *service.NotReadyError
	if !errors.As(err, &notReady) {
		return err
	}
	if s, serr := profile.ReadState(h); serr == nil && s.ExitReason != "" && notReady.Ended {
		err = fmt.Errorf("%w\n  reason: %s", err, s.ExitReason)
	}
	lines, lerr := a.lastLines(h.Logs(), 8, begun)
	if lerr != nil || len(lines) == 0 {
		return err
	}
	text := ""
	for _, line := range lines {
		text += "\n  | " + line
	}
	return fmt.Errorf("%w\n  the last lines of %s:%s", err, currentLog(h), text)
}
