package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hermes/internal/cli"
)

// reference returns the text of docs/cli.md, which describes every command that is not hidden.
func reference() string {
	var b strings.Builder
	root := cli.Tree()
	b.WriteString("# Commands\n\n" + notice)
	b.WriteString("`hermes COMMAND --help` shows the same on a terminal. What exit codes mean and which messages there are:\n" +
		"[operations.md](operations.md).\n\n")
	list(&b, root)
	b.WriteString("\n## Flags that work everywhere\n\n")
	block(&b, root.PersistentFlags().FlagUsages())
	b.WriteString("\n`-p` may stand anywhere in the command line. With `--format json` errors are objects too, on stderr:\n" +
		"`{\"error\": ..., \"exit_code\": ...}`.\n")
	describe(&b, root)
	return b.String()
}

// list writes the table of contents.
func list(b *strings.Builder, root *cobra.Command) {
	b.WriteString("| command | what it does |\n| --- | --- |\n")
	walk(root, func(cmd *cobra.Command) {
		fmt.Fprintf(b, "| [`%s`](#%s) | %s |\n", cmd.CommandPath(), strings.ReplaceAll(cmd.CommandPath(), " ", "-"), cell(cmd.Short))
	})
}

func describe(b *strings.Builder, root *cobra.Command) {
	walk(root, func(cmd *cobra.Command) {
		fmt.Fprintf(b, "\n## %s\n\n", cmd.CommandPath())
		text := cmd.Long
		if text == "" {
			text = cmd.Short + "."
		}
		b.WriteString(strings.TrimSpace(text) + "\n\n")
		if cmd.Runnable() {
			block(b, cmd.UseLine())
		}
		if len(cmd.Aliases) > 0 {
			fmt.Fprintf(b, "\nAlso: `%s`.\n", strings.Join(cmd.Aliases, "`, `"))
		}
		if flags := cmd.LocalNonPersistentFlags(); flags.HasAvailableFlags() {
			b.WriteString("\nFlags:\n\n")
			block(b, flags.FlagUsages())
		}
		if cmd.Example != "" {
			b.WriteString("\nExamples:\n\n")
			block(b, cmd.Example)
		}
	})
}

func walk(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			walk(sub, f)
		}
	}
}

func block(b *strings.Builder, text string) {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	b.WriteString("```\n")
	for _, line := range lines {
		b.WriteString(strings.TrimRight(strings.TrimPrefix(line, "  "), " ") + "\n")
	}
	b.WriteString("```\n")
}

// cell escapes the characters of a text that would end a cell of a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}
