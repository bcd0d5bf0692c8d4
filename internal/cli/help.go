package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// ownUsage makes the commands `completion` and `help`, which come with cobra, answer wrong usage as our commands do.
func ownUsage(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			cmd.Args = noArgs
			cmd.RunE = showHelp
			for _, shell := range cmd.Commands() {
				shell.Args = noArgs
			}
		case "help":
			cmd.Run = nil
			cmd.RunE = help
		}
	}
}

// showHelp is what a command does that only has others below it.
func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// help prints the help of the command that the arguments name.
func help(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil {
		return &usageError{err}
	}
	if len(rest) > 0 {
		return noArgs(found, rest)
	}
	found.InitDefaultHelpFlag() // cobra adds --help when it runs a command; without this line the help would not list it
	return found.Help()
}

// unknownCommand returns the error for a word that is no command below cmd. It proposes the command whose name is nearest.
func unknownCommand(cmd *cobra.Command, name string) error {
	msg := fmt.Sprintf("unknown command %q for `%s`", name, cmd.CommandPath())
	way := fmt.Sprintf(": see `%s --help`", cmd.CommandPath())
	// cobra proposes all commands within a distance, in the order of the alphabet. The smallest distance is tried first, so that
	// a misspelt stop is not answered with start.
	for _, cmd.SuggestionsMinimumDistance = range []int{0, 1, 2} {
		if near := cmd.SuggestionsFor(name); len(near) > 0 {
			way = fmt.Sprintf(": did you mean `%s %s`?", cmd.CommandPath(), near[0])
			break
		}
	}
	return &usageError{errors.New(msg + way)}
}
