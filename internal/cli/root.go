package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/exitcode"
	"hermes/internal/profile"
	"hermes/internal/profile/provision"
	"hermes/internal/version"
)

func (a *app) rootCommand() *cobra.Command {
	var showVersion bool
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
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if showVersion {
				_, err := fmt.Fprintf(a.Out, "hermes %s\n", version.Version)
				return err
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.prepare(cmd) },
	}
	// Not cobra's Version: rendering it links text/template, which doubles the binary's live code.
	cmd.Flags().BoolVar(&showVersion, "version", false, "print the version")
	cmd.PersistentFlags().StringVarP(&a.profile, "profile", "p", "", "the `NAME` of the profile (default \"default\")")
	cmd.PersistentFlags().StringVar(&a.format, "format", "text", "how to print: `text|json`")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		a.format = formatIn(a.args, a.format) // what follows a wrong flag was not read
		return &usageError{fmt.Errorf("%w: see `%s --help`", err, cmd.CommandPath())}
	})
	complete(cmd, "profile", a.completeProfile)
	complete(cmd, "format", cobra.FixedCompletions([]cobra.Completion{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	gateway := a.gatewayCommand()
	gateway.AddCommand(a.gatewayInstallCommand(), a.gatewayUninstallCommand())
	cmd.AddCommand(gateway, a.profileCommand(), a.sessionsCommand(), a.statusCommand(), a.upCommand(), a.downCommand(), a.dashboardCommand(), a.healthcheckCommand(),
		a.doctorCommand(), a.versionCommand(), a.bootCommand(), a.initCommand())
	own(cmd)
	return cmd
}

// own makes cobra's commands answer wrong usage as ours do.
func own(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			cmd.Args = noArgs
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			for _, shell := range cmd.Commands() {
				shell.Args = noArgs
			}
		case "help":
			cmd.Run = nil
			cmd.RunE = help
		}
	}
}

// help prints the help of the command that the arguments name.
func help(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil {
		return &usageError{err}
	}
	if len(rest) > 0 {
		return noArgs(found, rest)
	}
	found.InitDefaultHelpFlag() // so that it is shown
	return found.Help()
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

func unknownCommand(cmd *cobra.Command, name string) error {
	msg := fmt.Sprintf("unknown command %q for `%s`", name, cmd.CommandPath())
	way := fmt.Sprintf(": see `%s --help`", cmd.CommandPath())
	// The nearest: who mistypes stop is not to be told of start.
	for _, cmd.SuggestionsMinimumDistance = range []int{0, 1, 2} {
		if near := cmd.SuggestionsFor(name); len(near) > 0 {
			way = fmt.Sprintf(": did you mean `%s %s`?", cmd.CommandPath(), near[0])
			break
		}
	}
	return &usageError{errors.New(msg + way)}
}

// prepare runs before every command: root becomes the user whose the home is before it touches anything (M15).
func (a *app) prepare(cmd *cobra.Command) error {
	if cmd.Annotations[ownSignals] == "" {
		a.beginInterruptible(cmd)
	}
	if a.format != "text" && a.format != "json" {
		return &usageError{fmt.Errorf("invalid --format %q: use text or json", a.format)}
	}
	// Without a home this process was started with less than the container's environment.
	if a.getenv("HERMES_HOME") == "" && container.InImage() && touchesGateways(cmd) && cmd.Annotations[asRoot] == "" {
		if err := container.EnterEnvironment(); err != nil {
			return err
		}
	}
	if u, stranger := container.Stranger(a.getenv); stranger && container.InImage() && touchesGateways(cmd) && cmd.Annotations[asRoot] == "" {
		return &codeError{fmt.Errorf("this container's gateways are those of %d:%d, and this is a command of uid %d, who cannot reach them: "+
			"use `docker exec -u %d:%d`, or leave -u out", u.UID, u.GID, os.Geteuid(), u.UID, u.GID), exitcode.Failure}
	}
	if err := a.stepDown(cmd); err != nil {
		return err
	}
	if os.Geteuid() != 0 && container.InImage() {
		container.Umask(a.getenv)
	}
	return nil
}

// touchesGateways is false for commands that only print.
func touchesGateways(cmd *cobra.Command) bool {
	for c := cmd; c.HasParent(); c = c.Parent() {
		if slices.Contains([]string{"version", "completion", "help"}, c.Name()) {
			return false
		}
	}
	return cmd.HasParent()
}

// complete adds a completion for a flag that the command has.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // a flag is misspelt above
	}
}

func (a *app) completeProfile(_ *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	store, err := a.store()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	entries, err := store.List()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []cobra.Completion
	for _, e := range entries {
		if e.Err == nil && strings.HasPrefix(e.Home.Name.String(), prefix) {
			names = append(names, e.Home.Name.String())
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// home returns the home of the profile that -p chose, which must exist. The default profile's is
// made where it is missing.
func (a *app) home() (profile.Home, error) {
	n, err := a.name()
	if err != nil {
		return profile.Home{}, err
	}
	store, err := a.store()
	if err != nil {
		return profile.Home{}, err
	}
	if n.IsDefault() {
		return provision.Seed(context.Background(), store, n)
	}
	return store.Get(n)
}
