package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hermes/internal/profile"
)

// noArgs refuses arguments as wrong usage. If the command has others below it, the argument is reported as an unknown command.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasAvailableSubCommands() {
		return unknownCommand(cmd, args[0])
	}
	return &usageError{fmt.Errorf("unexpected argument %q for `%s`: see `%s --help`", args[0], cmd.CommandPath(), cmd.CommandPath())}
}

// words returns a check of the arguments: there must be at least as many as least says, and at most one for each of names. A wrong
// number is wrong usage, and the error names the arguments that are missing.
func words(least int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return &usageError{fmt.Errorf("`%s` needs %s: see `%s --help`", cmd.CommandPath(), strings.Join(names[len(args):least], " and "), cmd.CommandPath())}
		case len(args) > len(names):
			return noArgs(cmd, args[len(names):])
		}
		return nil
	}
}

// nameArg returns the profile that the first argument names. Without arguments it is the profile of -p.
func (a *app) nameArg(args []string) (profile.Name, error) {
	if len(args) == 0 {
		return a.name()
	}
	return parseName(args[0])
}

// parseName returns the name of a profile. A word that cannot be one is wrong usage.
func parseName(s string) (profile.Name, error) {
	n, err := profile.ParseName(s)
	if err != nil {
		return n, &usageError{err}
	}
	return n, nil
}
