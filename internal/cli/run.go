package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"hermes/internal/environment"
	"hermes/internal/gateway"
)

// Run executes one command line and returns the process's exit code (contract "Exit codes").
func Run(ctx context.Context, args []string, s Streams) int {
	a := &app{Streams: s, raw: s, args: args, getenv: environment.Get}
	if os.Getpid() == 1 && len(args) > 0 && args[0] == "init" {
		a.signals() // first of all: a signal that PID 1 does not catch is lost
	}
	asJSON := func() bool { return a.format == "json" }
	a.Out, a.Err = &cleanWriter{w: s.Out, json: asJSON}, &cleanWriter{w: s.Err, json: asJSON}
	root := rootCommand(a)
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	err := root.ExecuteContext(ctx)
	if a.interrupted != nil {
		err = withSignal(err, a.interrupted())
	}
	return a.report(err)
}

// report prints an error once and returns the exit code that it means.
func (a *app) report(err error) int {
	if err == nil {
		return 0
	}
	code := exitCode(err)
	var silent *silentError
	var signal *gateway.SignalError
	switch {
	case errors.As(err, &silent), errors.As(err, &signal): // the command or its log has told it already
	case a.format == "json":
		_ = json.NewEncoder(a.Err).Encode(map[string]any{"error": err.Error(), "exit_code": code})
	default:
		fmt.Fprintf(a.Err, "✗ %v\n", err)
	}
	return code
}
