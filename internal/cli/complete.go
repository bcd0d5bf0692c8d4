package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"hermes/internal/profile"
)

// complete adds a completion to a flag of the command.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // there is no flag of this name
	}
}

// completeProfile completes the names of profiles.
func (a *app) completeProfile(_ *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	profiles, err := a.profiles()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	entries, err := profiles.List()
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

// completeFirst completes the first argument with the names of profiles, and the others with nothing.
func (a *app) completeFirst(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeProfile(cmd, args, prefix)
}

// completeNamed does what completeFirst does, and leaves out the default profile.
func (a *app) completeNamed(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names, directive := a.completeFirst(cmd, args, prefix)
	var named []cobra.Completion
	for _, n := range names {
		if n != profile.DefaultName {
			named = append(named, n)
		}
	}
	return named, directive
}
