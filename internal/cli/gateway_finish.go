package cli

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/s6"
)

// permanentFailure is the exit code of a finish script after which s6-supervise leaves the service
// down (servicedir.html).
const permanentFailure = 125

// gatewayFinishCommand is what a slot's finish script runs after a failure. People have no use for it.
func (a *app) gatewayFinishCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "finish SERVICE CODE SIGNAL",
		Short:  "Decide what follows a failure (called by the supervisor, in the slot)",
		Hidden: true,
		Args:   cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, ok := service.ParseID(args[0])
			if !ok {
				return &usageError{fmt.Errorf("no such service %q", args[0])}
			}
			dir, err := os.Getwd()
			if err != nil {
				return fmt.Errorf("cannot tell which slot this is: %w", err)
			}
			d, err := s6.Failed(cmd.Context(), id, dir, a.backoff(id))
			if err != nil {
				return err
			}
			how := "exit code " + args[1]
			if args[1] == "256" {
				how = "signal " + args[2]
			}
			if !d.GiveUp {
				if d.Delay > 0 {
					fmt.Fprintf(a.Out, "%s failed (%s), %d times in a row: next start in %s\n", id, how, d.Failures, d.Delay.Round(100*time.Millisecond))
				}
				return nil
			}
			if err := a.gaveUp(cmd, id, d, how); err != nil {
				fmt.Fprintf(a.Out, "%v\n", err)
			}
			return &silentError{permanentFailure}
		},
	}
}

// backoff is the rule for a service: a profile may have limits of its own.
func (a *app) backoff(id service.ID) s6.Backoff {
	b := s6.DefaultBackoff()
	n, ok := id.Profile()
	if !ok {
		return b
	}
	store, err := a.store()
	if err != nil {
		return b
	}
	if c, err := profile.LoadConfig(store.Home(n)); err == nil { // a wrong file is the gateway's to report
		b.Limit, b.Window = c.Gateway.GiveUp()
	}
	return b
}

// gaveUp records that the supervisor stopped trying (B2).
func (a *app) gaveUp(cmd *cobra.Command, id service.ID, d s6.Decision, how string) error {
	summary := fmt.Sprintf("gave up after %d failures in %s", d.Failures, d.Since.Round(time.Second))
	n, ok := id.Profile()
	if !ok {
		fmt.Fprintf(a.Out, "%s: %s: %s\n", id, summary, how)
		return nil
	}
	store, err := a.store()
	if err != nil {
		return err
	}
	reason := how
	err = profile.UpdateState(cmd.Context(), store.Home(n), func(s *profile.State) error {
		if s.ExitReason != "" {
			reason = s.ExitReason
		}
		s.Gateway, s.PID = profile.StateStartupFailed, 0
		s.ExitReason = summary + ": " + reason
		return nil
	})
	fmt.Fprintf(a.Out, "%s: %s: %s; `%s` tries again\n", id, summary, reason, service.StartCommand(n))
	return err
}
