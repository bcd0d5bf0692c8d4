package service

import (
	"context"
	"fmt"
	"time"

	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/service/restart"
)

// BackoffOf returns the rule for a service, with the limits of the profile's own configuration if it has some.
func BackoffOf(store *profile.Store, id ID) restart.Rule {
	b := restart.Default()
	n, ok := id.Profile()
	if !ok {
		return b
	}
	if c, err := config.Load(store.Home(n)); err == nil { // the gateway reports a wrong file when it starts
		b.Limit, b.Window = c.Gateway.GiveUp()
	}
	return b
}

// RecordGaveUp writes into a profile's state that its manager stopped trying (B2), and returns the sentence for the
// log. A service that is no gateway has no state. The error is about the state file; the sentence is valid all the same.
func RecordGaveUp(ctx context.Context, store *profile.Store, id ID, d restart.Decision, how string) (string, error) {
	summary := fmt.Sprintf("gave up after %d failures in %s", d.Failures, d.Since.Round(time.Second))
	n, ok := id.Profile()
	if !ok {
		return fmt.Sprintf("%s: %s: %s", id, summary, how), nil
	}
	reason := how
	err := profile.UpdateState(ctx, store.Home(n), func(s *profile.State) error {
		if s.ExitReason != "" {
			reason = s.ExitReason
		}
		s.Gateway, s.PID = profile.StateStartupFailed, 0
		s.ExitReason = summary + ": " + reason
		return nil
	})
	return fmt.Sprintf("%s: %s: %s; `%s` tries again", id, summary, reason, StartCommand(n)), err
}
