package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"hermes/internal/operate"
)

func gatewayStartCommand(a *app) *cobra.Command {
	o := lifecycleOptions{app: a, action: operate.Start}
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start a gateway under the supervisor and wait until it is ready",
		Long: `start wants a gateway up, now and after every restart of the container, and returns when it is ready. If it does
not become ready, start says why, with the last lines of its log. A gateway that the supervisor gave
up on gets all its tries again.`,
		Example: `  hermes gateway start
  hermes -p coder gateway start --timeout 1m`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.all {
				return &usageError{errors.New("`start --all` is no command: start each profile with `hermes -p NAME gateway start`; " +
					"those that are to run are started at every boot")}
			}
			return o.run(cmd, args)
		},
	}
	o.flags(cmd, "ready")
	// People try --all, so it is a flag, and the command refuses it and says what to do instead (M8).
	cmd.Flags().BoolVar(&o.all, "all", false, "")
	if err := cmd.Flags().MarkHidden("all"); err != nil {
		panic(err) // there is no flag of this name
	}
	return cmd
}
