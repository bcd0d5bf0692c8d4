package cli

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"hermes/internal/boot"
	"hermes/internal/container"
	"hermes/internal/exitcode"
	"hermes/internal/service"
)

// initEmbedded is the init of an image without s6.
func (a *app) initEmbedded(command []string) error {
	if os.Getpid() == 1 {
		err := a.belowPID1()
		var ended *silentError
		if errors.As(err, &ended) && ended.code == exitcode.Signal(int(syscall.SIGTERM)) && a.redirected(command) {
			return nil // M6: the child got the signal before it could take any
		}
		return err
	}
	code, err := container.Embedded{
		Redirected: a.redirected(command),
		Setup:      func() error { return boot.Setup(a.getenv, a.Err) },
		Supervisor: []string{"up", "--init", "--ready-fd", "3"},
	}.Run(command)
	if errors.Is(err, container.ErrCannotStepDown) {
		return &codeError{err, exitcode.Root}
	}
	if err != nil {
		return fmt.Errorf("hermes cannot boot: %w", err)
	}
	if code != 0 {
		return &silentError{code}
	}
	return nil
}

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [COMMAND [ARG...]]",
		Short: "Be the init of the container image",
		Long: `init is the entrypoint of the image. It prepares two supervision trees, hands PID 1 over to s6-svscan, runs the
scripts in /etc/cont-init.d as root, and then the container's command as the runtime user (all of it as one user in a
container that does not start as root): nothing means hermes itself, a program on PATH means that program, anything else are arguments of hermes. When the
command ends the container ends with its exit code.

In an image without s6 the embedded supervisor (` + "`hermes up`" + `) takes its place.`,
		Example: `  docker run IMAGE gateway run          the gateways, supervised
  docker run -it IMAGE bash             a shell beside them`,
		Annotations: map[string]string{asRoot: "yes", ownSignals: "yes"},
		// Every word belongs to the command, also one that looks like a flag of ours.
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			inside := os.Getpid() == 1 || container.InImage()
			switch {
			case len(args) > 2 && args[0] == "--stage2" && args[2] == "--":
				return container.Stage2(args[1], args[3:], a.redirected(args[3:]))
			case len(args) == 2 && args[0] == "--stage3":
				return &silentError{container.Stage3(args[1])}
			case len(args) == 1 && args[0] == "--orphans":
				return container.EndOrphans(cmd.Context())
			case !inside && len(args) == 1 && (args[0] == "--help" || args[0] == "-h"):
				return cmd.Help()
			}
			if !container.HasS6() {
				return a.initEmbedded(args)
			}
			err := container.Init(a.signals(), args, a.redirected(args))
			if errors.Is(err, container.ErrCannotStepDown) {
				return &codeError{err, exitcode.Root}
			}
			var stopped *container.StoppedError
			if errors.As(err, &stopped) {
				return &silentError{stopped.Code}
			}
			return err
		},
	}
}

// redirected reports whether a container's command is a `gateway run` that hands over to the supervisor, as far as its words and the
// container's environment tell.
func (a *app) redirected(command []string) bool {
	args, ours := container.OwnArguments(command)
	if !ours {
		return false
	}
	cmd, rest, err := (&app{getenv: a.getenv}).rootCommand().Find(args)
	if err != nil || cmd.CommandPath() != "hermes gateway" && cmd.CommandPath() != "hermes gateway run" {
		return false
	}
	cmd.InitDefaultHelpFlag()
	if cmd.ParseFlags(rest) != nil || cmd.Flags().NArg() > 0 {
		return false
	}
	help, err1 := cmd.Flags().GetBool("help")
	noSupervise, err2 := cmd.Flags().GetBool("no-supervise")
	// That there is a supervisor is what this is the init for.
	r := container.Redirect{Kind: service.KindS6, NoSupervise: noSupervise, Getenv: a.getenv}
	return err1 == nil && err2 == nil && !help && r.Applies()
}

// signals returns what this process, which is PID 1 or the init below it, gets.
func (a *app) signals() chan os.Signal {
	if a.early == nil {
		a.early = container.Signals()
	}
	return a.early
}
