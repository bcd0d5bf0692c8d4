package cli

import "github.com/spf13/cobra"

// Tree returns all commands. internal/cli/gen makes the reference from them. Nothing in the binary calls it.
func Tree() *cobra.Command {
	return rootCommand(&app{getenv: func(string) string { return "" }})
}
