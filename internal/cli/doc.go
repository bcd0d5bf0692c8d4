// Package cli is the command line. A command parses its arguments, calls other packages, and prints what came of it. This is the only
// package that knows exit codes and how errors look on a terminal.
//
// A command is in the file that is named like it: `hermes gateway logs` is in gateway_logs.go. The file has an options struct, which
// holds the command's flags and the app, and a function that makes the cobra command. The struct's method run does what the command is
// for. What several commands need is a method of app, or a function.
package cli
