// Package cli is the command line: one file per command. It parses, calls, and renders. It is the only
// package that knows exit codes and how errors look on a terminal.
package cli
