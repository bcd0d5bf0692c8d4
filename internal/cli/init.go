package cli

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"hermes/internal/container"
)

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [COMMAND [ARG...]]",
		Short: "Be the init of the container image",
		Long: `init is the entrypoint of the image. It prepares two supervision trees, hands PID 1 over to s6-svscan, runs the
scripts in /etc/cont-init.d as root, and then the container's command as the runtime user (all of it as one user in a
container that does not start as root): nothing means hermes itself, a program on PATH means that program, anything else are arguments of hermes. When the
command ends the container ends with its exit code.`,
		Example: `  docker run IMAGE gateway run          the gateways, supervised
  docker run -it IMAGE bash             a shell beside them`,
		Annotations: map[string]string{asRoot: "yes"},
		// Every word belongs to the command, also one that looks like a flag of ours.
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			inside := os.Getpid() == 1 || container.InImage()
			switch {
			case len(args) > 2 && args[0] == "--stage2" && args[2] == "--":
				return container.Stage2(args[1], args[3:])
			case len(args) == 2 && args[0] == "--stage3":
				return &silentError{container.Stage3(args[1])}
			case len(args) == 1 && args[0] == "--orphans":
				return container.EndOrphans(cmd.Context())
			case !inside && len(args) == 1 && (args[0] == "--help" || args[0] == "-h"):
				return cmd.Help()
			}
			err := container.Init(cmd.Context(), args)
			if errors.Is(err, container.ErrCannotStepDown) {
				return &codeError{err, exitRoot}
			}
			return err
		},
	}
}
