package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/exitcode"
	"hermes/internal/version"
)

// rootOptions is what `hermes` itself is told. Its prepare runs before every command.
type rootOptions struct {
	app     *app
	version bool
}

func rootCommand(a *app) *cobra.Command {
	o := rootOptions{app: a}
	cmd := &cobra.Command{
		Use:   "hermes",
		Short: "Run a fleet of AI-agent gateways, one supervised process per profile",
		Long: `hermes runs AI-agent gateways: one process per profile, each supervised, each with its own identity,
configuration, secrets and memory.

Without -p a command is about the profile "default", whose home is HERMES_HOME
(/opt/data in the image, ~/.hermes elsewhere).`,
		Example: `  hermes gateway run              run the default profile's gateway
  hermes -p coder gateway start   start another profile's gateway under the supervisor
  hermes gateway status           what it does, since when, and where its log is`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              noArgs,
		RunE:              o.run,
		PersistentPreRunE: o.prepare,
	}
	// cobra's own Version is not used: it renders a template, so it links text/template, which doubles the code that stays in the binary.
	cmd.Flags().BoolVar(&o.version, "version", false, "print the version")
	cmd.PersistentFlags().StringVarP(&a.profile, "profile", "p", "", "the `NAME` of the profile (default \"default\")")
	cmd.PersistentFlags().StringVar(&a.format, "format", "text", "how to print: `text|json`")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		a.format = formatIn(a.args, a.format) // cobra stops at the wrong flag, and --format may come after it
		return &usageError{fmt.Errorf("%w: see `%s --help`", err, cmd.CommandPath())}
	})
	complete(cmd, "profile", a.completeProfile)
	complete(cmd, "format", cobra.FixedCompletions([]cobra.Completion{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.AddCommand(gatewayCommand(a), profileCommand(a), sessionsCommand(a), statusCommand(a), upCommand(a), downCommand(a),
		dashboardCommand(a), healthcheckCommand(a), doctorCommand(a), versionCommand(a), bootCommand(a), initCommand(a))
	ownUsage(cmd)
	return cmd
}

func (o *rootOptions) run(cmd *cobra.Command, _ []string) error {
	if o.version {
		_, err := fmt.Fprintf(o.app.Out, "hermes %s\n", version.Version)
		return err
	}
	return cmd.Help()
}

// formatIn returns the value of --format in a command line that cannot be parsed.
func formatIn(args []string, format string) string {
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if v, ok := strings.CutPrefix(arg, "--format="); ok {
			format = v
		} else if arg == "--format" && i+1 < len(args) {
			format = args[i+1]
		}
	}
	return format
}

// prepare runs before every command. It has a signal end the command, checks --format, takes over the environment of the container
// where this process does not have it, and turns root into the user whose the home is before the command touches anything (M15).
func (o *rootOptions) prepare(cmd *cobra.Command, _ []string) error {
	a := o.app
	if cmd.Annotations[ownSignals] == "" {
		a.beginInterruptible(cmd)
	}
	if a.format != "text" && a.format != "json" {
		return &usageError{fmt.Errorf("invalid --format %q: use text or json", a.format)}
	}
	// A process in the image that has no HERMES_HOME was started with less than the container's environment.
	if a.getenv("HERMES_HOME") == "" && container.InImage() && touchesGateways(cmd) && cmd.Annotations[asRoot] == "" {
		if err := container.EnterEnvironment(); err != nil {
			return err
		}
	}
	if u, stranger := container.Stranger(a.getenv); stranger && container.InImage() && touchesGateways(cmd) && cmd.Annotations[asRoot] == "" {
		return &codeError{fmt.Errorf("this container's gateways are those of %d:%d, and this is a command of uid %d, who cannot reach them: "+
			"use `docker exec -u %d:%d`, or leave -u out", u.UID, u.GID, os.Geteuid(), u.UID, u.GID), exitcode.Failure}
	}
	if err := o.stepDown(cmd); err != nil {
		return err
	}
	if os.Geteuid() != 0 && container.InImage() {
		container.Umask(a.getenv)
	}
	return nil
}

// touchesGateways returns false for commands that only print.
func touchesGateways(cmd *cobra.Command) bool {
	for c := cmd; c.HasParent(); c = c.Parent() {
		if slices.Contains([]string{"version", "completion", "help"}, c.Name()) {
			return false
		}
	}
	return cmd.HasParent()
}
