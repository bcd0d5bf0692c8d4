package cli

import "github.com/spf13/cobra"

// Tree returns all commands, for the generated reference (internal/cli/gen). Nothing in the binary calls it.
func Tree() *cobra.Command {
	return (&app{getenv: func(string) string { return "" }}).rootCommand()
}
