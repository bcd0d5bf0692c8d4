package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

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
			store, err := a.store()
			if err != nil {
				return err
			}
			d, last, err := s6.Failed(cmd.Context(), id, dir, service.BackoffOf(store, id))
			if err != nil {
				return err
			}
			how := "exit code " + args[1]
			switch {
			case !last.IsZero():
				how = last.How()
			case args[1] == "256":
				how = "killed by signal " + args[2]
			}
			if !d.GiveUp {
				fmt.Fprintln(a.Out, d.Tell(id, how))
				return nil
			}
			text, err := service.RecordGaveUp(cmd.Context(), store, id, d, how)
			fmt.Fprintln(a.Out, text)
			if err != nil {
				fmt.Fprintln(a.Out, err)
			}
			return &silentError{permanentFailure}
		},
	}
}
