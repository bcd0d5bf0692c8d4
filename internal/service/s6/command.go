package s6

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"hermes/internal/service"
)

// run runs one of s6's commands and returns its standard output. If the command fails, the error is a *service.S6CommandError.
func run(ctx context.Context, id service.ID, action, command string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, command, args...)
	alone(cmd)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// If the command is killed, a child of it may still hold the pipes.
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	return stdout.String(), commandError(ctx, err, id, action, command, &stderr)
}

// commandError returns the error for a command that exec has run.
func commandError(ctx context.Context, err error, id service.ID, action, command string, stderr *bytes.Buffer) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s on '%s': %w", action, id, ctx.Err())
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("cannot run %s: %w", command, err)
	}
	return &service.S6CommandError{
		Service: id, Action: action, Command: command, ExitCode: exit.ExitCode(), Stderr: stderr.String(),
	}
}

// svc sends commands to a service's supervisor with s6-svc.
func (m *Manager) svc(ctx context.Context, id service.ID, action, dir string, flags ...string) error {
	_, err := run(ctx, id, action, "s6-svc", append(flags, dir)...)
	return err
}

// superviseDeadline is how long the supervisor of a new slot may take to appear.
const superviseDeadline = 10 * time.Second

// reviveDeadline is how long a new supervisor may take to appear after one died: s6-svscan starts it after a second.
const reviveDeadline = 3 * time.Second

// waitFor returns when cond is true, or fails after superviseDeadline. It is for changes that take milliseconds and send no event.
func waitFor(ctx context.Context, cond func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, superviseDeadline)
	defer cancel()
	return await(ctx, cond)
}

// await is waitFor without a deadline of its own.
func await(ctx context.Context, cond func() bool) error {
	for pause := time.Millisecond; !cond(); pause = min(2*pause, 50*time.Millisecond) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return nil
}
