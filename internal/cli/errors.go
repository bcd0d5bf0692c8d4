package cli

import (
	"errors"
	"os"
	"syscall"

	"hermes/internal/exitcode"
	"hermes/internal/gateway"
	"hermes/internal/profile"
)

// usageError is wrong usage of the command line.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// codeError is an error with an exit code of its own.
type codeError struct {
	error
	code int
}

func (e *codeError) Unwrap() error { return e.error }

// silentError ends the process with a code and prints nothing, because the command has said everything already.
type silentError struct{ code int }

func (e *silentError) Error() string { return "" }

// exitCode returns the exit code that an error means. No other function does.
func exitCode(err error) int {
	var (
		usage  *usageError
		code   *codeError
		silent *silentError
		config *profile.ConfigError
		signal *gateway.SignalError
	)
	switch {
	case errors.As(err, &usage):
		return exitcode.Usage
	case errors.As(err, &code):
		return code.code
	case errors.As(err, &silent):
		return silent.code
	case errors.Is(err, gateway.ErrRestartRequested):
		return exitcode.Restart
	case errors.As(err, &config):
		return exitcode.Config
	case errors.As(err, &signal):
		return exitcode.Signal(signalNumber(signal.Signal))
	}
	return exitcode.Failure
}

// signalNumber returns the number of a signal, or 0 if the system has none for it.
func signalNumber(s os.Signal) int {
	if n, ok := s.(syscall.Signal); ok {
		return int(n)
	}
	return 0
}
