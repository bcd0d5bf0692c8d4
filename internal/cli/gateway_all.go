package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hermes/internal/exitcode"
	"hermes/internal/operate"
	"hermes/internal/profile"
)

// allFunc is a method of operate.Lifecycle for all gateways.
type allFunc func(operate.Lifecycle, context.Context, func(profile.Name) time.Duration, func(operate.Result)) error

// outcome is a operate.Result as --format json shows it.
type outcome struct {
	operate.Result
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// actOnAll runs a lifecycle command for every registered gateway: a line for each as it is done, then the
// count. One that fails does not stop the others and makes the command exit 1.
func (a *app) actOnAll(ctx context.Context, action string, wait func(profile.Name) time.Duration, noWait bool, f allFunc) error {
	if a.profile != "" {
		return &usageError{fmt.Errorf("-p %s and --all exclude each other", a.profile)}
	}
	l, err := a.lifecycle()
	if err != nil {
		return err
	}
	all, acted, failed := []outcome{}, 0, 0
	err = f(l, ctx, wait, func(r operate.Result) {
		o := outcome{Result: r, OK: r.Err == nil}
		switch {
		case r.Err != nil:
			failed++
			o.Error = r.Err.Error()
			a.say("✗ %s: %v", r.Profile, r.Err)
		case r.Skipped != "":
			a.say("- gateway '%s' is left alone: %s", r.Profile, r.Skipped)
		default:
			acted++
			what := done[action]
			if noWait {
				what = "was told to " + action
			}
			a.say("✓ gateway '%s' %s", r.Profile, what)
		}
		all = append(all, o)
	})
	if err != nil {
		return err
	}
	if a.format == "json" {
		slices.SortFunc(all, func(x, y outcome) int { return strings.Compare(x.Profile.String(), y.Profile.String()) })
		if err := a.json(map[string]any{"action": action, "succeeded": acted, "failed": failed, "results": all}); err != nil {
			return err
		}
	}
	a.say("%s: %d of %d gateways", past[action], acted, acted+failed)
	if failed > 0 {
		return &silentError{exitcode.Failure}
	}
	return nil
}

var past = map[string]string{"stop": "stopped", "restart": "restarted"}

// say prints a line for people: failures and all else on standard output, in the order of events.
func (a *app) say(format string, args ...any) {
	if a.format != "json" {
		fmt.Fprintf(a.Out, format+"\n", args...)
	}
}
