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

// initOptions is what `init` is told.
type initOptions struct{ app *app }

func initCommand(a *app) *cobra.Command {
	o := initOptions{app: a}
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
		// The arguments are the container's command. A word that looks like a flag of ours belongs to it, too.
		DisableFlagParsing: true,
		RunE:               o.run,
	}
}

// run is one of the stages of the container. The container's runtime starts it with the container's command as arguments; the other
// stages are called by our own scripts.
func (o *initOptions) run(cmd *cobra.Command, args []string) error {
	a := o.app
	inside := os.Getpid() == 1 || container.InImage()
	switch {
	case len(args) > 2 && args[0] == "--stage2" && args[2] == "--":
		return container.Stage2(args[1], args[3:], redirected(args[3:], a.getenv))
	case len(args) == 2 && args[0] == "--stage3":
		return &silentError{container.Stage3(args[1])}
	case len(args) == 1 && args[0] == "--orphans":
		return container.EndOrphans(cmd.Context())
	case !inside && len(args) == 1 && (args[0] == "--help" || args[0] == "-h"):
		return cmd.Help()
	}
	if !container.HasS6() {
		return o.embedded(args)
	}
	err := container.Init(a.signals(), args, redirected(args, a.getenv))
	if errors.Is(err, container.ErrCannotStepDown) {
		return &codeError{err, exitcode.Root}
	}
	var stopped *container.StoppedError
	if errors.As(err, &stopped) {
		return &silentError{stopped.Code}
	}
	return err
}

// embedded is the init of an image without s6. PID 1 runs this command again in a child and waits for it. The child boots and runs the
// container's command.
func (o *initOptions) embedded(command []string) error {
	a := o.app
	if os.Getpid() == 1 {
		err := a.belowPID1()
		var ended *silentError
		if errors.As(err, &ended) && ended.code == exitcode.Signal(int(syscall.SIGTERM)) && redirected(command, a.getenv) {
			return nil // the signal came before the child could catch it, and docker stop is to end a redirected run with 0 (M6)
		}
		return err
	}
	code, err := container.Embedded{
		Redirected: redirected(command, a.getenv),
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

// redirected reports whether a container's command is a `gateway run` that will hand the gateway over to the supervisor. It goes by the
// words of the command and by the environment.
func redirected(command []string, getenv func(string) string) bool {
	args, ours := container.OwnArguments(command)
	if !ours {
		return false
	}
	cmd, rest, err := rootCommand(&app{getenv: getenv}).Find(args)
	if err != nil || cmd.CommandPath() != "hermes gateway" && cmd.CommandPath() != "hermes gateway run" {
		return false
	}
	cmd.InitDefaultHelpFlag()
	if cmd.ParseFlags(rest) != nil || cmd.Flags().NArg() > 0 {
		return false
	}
	help, err1 := cmd.Flags().GetBool("help")
	noSupervise, err2 := cmd.Flags().GetBool("no-supervise")
	// The init starts a supervisor before it runs the command, so there will be one.
	r := container.Redirect{Kind: service.KindS6, NoSupervise: noSupervise, Getenv: getenv}
	return err1 == nil && err2 == nil && !help && r.Applies()
}
