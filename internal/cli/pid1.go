package cli

import (
	"os"

	"hermes/internal/container"
)

// signals returns the signals that this process gets. Only PID 1 of a container calls it, and the init that runs as its child.
func (a *app) signals() chan os.Signal {
	if a.early == nil {
		a.early = container.Signals()
	}
	return a.early
}

// belowPID1 runs this command line again in a child. This process goes on as PID 1 of the container until the child has ended: it
// reaps, and passes signals on.
func (a *app) belowPID1() error {
	code, err := container.Foreground(a.signals())
	if err == nil && code != 0 {
		err = &silentError{code}
	}
	return err
}
