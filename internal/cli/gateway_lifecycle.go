package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/exitcode"
	"hermes/internal/logs"
	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// lifecycleOptions is what `gateway start`, `stop` and `restart` are told.
type lifecycleOptions struct {
	app     *app
	action  operate.Action
	timeout time.Duration
	timed   bool // --timeout was given
	noWait  bool
	all     bool
}

// flags adds --timeout and --no-wait to a command. until is the state that the command waits for.
func (o *lifecycleOptions) flags(cmd *cobra.Command, until string) {
	cmd.Flags().DurationVar(&o.timeout, "timeout", operate.WaitByDefault(o.action), "how long to wait until the gateway is "+until)
	cmd.Flags().BoolVar(&o.noWait, "no-wait", false, "return at once")
}

// wait returns how long to wait for a gateway.
func (o *lifecycleOptions) wait(action operate.Action, h profile.Home) time.Duration {
	switch {
	case o.noWait:
		return 0
	case o.timed:
		return o.timeout
	}
	return operate.WaitFor(action, h)
}

// lifecycle returns what starts and stops gateways here, and waits as the flags say.
func (o *lifecycleOptions) lifecycle() (operate.Lifecycle, error) {
	l, err := o.app.lifecycle()
	l.Wait = o.wait
	return l, err
}

// run acts on the gateway of -p, or on all gateways with --all.
func (o *lifecycleOptions) run(cmd *cobra.Command, _ []string) error {
	o.timed = cmd.Flags().Changed("timeout")
	if o.all {
		return o.runAll(cmd.Context())
	}
	return o.runOne(cmd.Context())
}

// runOne acts on the gateway of -p and prints what became of it.
func (o *lifecycleOptions) runOne(ctx context.Context) error {
	a := o.app
	n, err := a.name()
	if err != nil {
		return err
	}
	l, err := o.lifecycle()
	if err != nil {
		return err
	}
	if err := l.Act(ctx, o.action, n); err != nil {
		return withLog(err, l.Store.Home(n), a.zone())
	}
	st, err := l.Manager.Status(ctx, service.Gateway(n))
	if err != nil {
		return err
	}
	if a.format == "json" {
		return a.json(map[string]any{"profile": n, "action": o.action, "status": st})
	}
	result := o.result()
	if st.PID != 0 && !o.noWait {
		result += fmt.Sprintf(" (pid %d)", st.PID)
	}
	_, err = fmt.Fprintf(a.Out, "✓ gateway '%s' %s\n", n, result)
	return err
}

// result says what became of a gateway that was acted on.
func (o *lifecycleOptions) result() string {
	if o.noWait {
		return "was told to " + string(o.action)
	}
	return o.action.Outcome()
}

// outcome is an operate.Result as --format json shows it.
type outcome struct {
	operate.Result
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// runAll acts on every registered gateway. It prints a line for each as soon as that one is done, and then the count. If one fails
// the others are acted on all the same, and the command exits with 1.
func (o *lifecycleOptions) runAll(ctx context.Context) error {
	a := o.app
	if a.profile != "" {
		return &usageError{fmt.Errorf("-p %s and --all exclude each other", a.profile)}
	}
	l, err := o.lifecycle()
	if err != nil {
		return err
	}
	all, acted, failed := []outcome{}, 0, 0
	err = l.All(ctx, o.action, func(r operate.Result) {
		out := outcome{Result: r, OK: r.Err == nil}
		switch {
		case r.Err != nil:
			failed++
			out.Error = r.Err.Error()
			a.say("✗ %s: %v", r.Profile, r.Err)
		case r.Skipped != "":
			a.say("- gateway '%s' is left alone: %s", r.Profile, r.Skipped)
		default:
			acted++
			a.say("✓ gateway '%s' %s", r.Profile, o.result())
		}
		all = append(all, out)
	})
	if err != nil {
		return err
	}
	if a.format == "json" {
		slices.SortFunc(all, func(x, y outcome) int { return strings.Compare(x.Profile.String(), y.Profile.String()) })
		if err := a.json(map[string]any{"action": o.action, "succeeded": acted, "failed": failed, "results": all}); err != nil {
			return err
		}
	}
	a.say("%s: %d of %d gateways", o.action.Past(), acted, acted+failed)
	if failed > 0 {
		return &silentError{exitcode.Failure}
	}
	return nil
}

// withLog adds to the error of a start that failed the reason that the gateway gave and the last lines of its log (B4). Other errors
// stay as they are.
func withLog(err error, h profile.Home, zone *time.Location) error {
	var failed *operate.FailedStartError
	if !errors.As(err, &failed) {
		return err
	}
	if failed.Reason != "" {
		err = fmt.Errorf("%w\n  reason: %s", err, failed.Reason)
	}
	if len(failed.Lines) == 0 {
		return err
	}
	text := ""
	for _, line := range failed.Lines {
		text += "\n  | " + logs.Printable(line.Shown(zone))
	}
	return fmt.Errorf("%w\n  the last lines of %s:%s", err, filepath.Join(h.LogDir(), "current"), text)
}
