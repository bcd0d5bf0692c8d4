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

// gatewayFinishOptions is what `gateway finish` is told. A slot's finish script runs this command after a failure; people have no use
// for it.
type gatewayFinishOptions struct{ app *app }

func gatewayFinishCommand(a *app) *cobra.Command {
	o := gatewayFinishOptions{app: a}
	return &cobra.Command{
		Use:    "finish SERVICE CODE SIGNAL",
		Short:  "Decide what follows a failure (called by the supervisor, in the slot)",
		Hidden: true,
		Args:   cobra.ExactArgs(3),
		RunE:   o.run,
	}
}

// run decides whether the service is started again after a pause or given up, prints that into the service's log, and records it if
// the service is given up.
func (o *gatewayFinishOptions) run(cmd *cobra.Command, args []string) error {
	a := o.app
	id, ok := service.ParseID(args[0])
	if !ok {
		return &usageError{fmt.Errorf("no such service %q", args[0])}
	}
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("cannot tell which slot this is: %w", err)
	}
	profiles, err := a.profiles()
	if err != nil {
		return err
	}
	d, last, err := s6.Failed(cmd.Context(), id, dir, service.BackoffOf(profiles, id))
	if err != nil {
		return err
	}
	how := "exit code " + args[1]
	switch {
	case !last.IsZero():
		how = last.How()
	case args[1] == "256": // s6 passes 256 if a signal killed the process
		how = "killed by signal " + args[2]
	}
	if !d.GiveUp {
		fmt.Fprintln(a.Out, d.Tell(id, how))
		return nil
	}
	text, err := service.RecordGaveUp(cmd.Context(), profiles, id, d, how)
	fmt.Fprintln(a.Out, text)
	if err != nil {
		fmt.Fprintln(a.Out, err)
	}
	return &silentError{permanentFailure}
}
