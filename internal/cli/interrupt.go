package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/exitcode"
	"hermes/internal/gateway"
)

// ownSignals marks commands that decide by themselves what a signal means: those that run until one comes, and the steps of a boot, which
// end at once.
const ownSignals = "own-signals"

// interruptGrace is how long a command may take to end after a signal. Removing what it began takes a moment; a command that still
// runs then waits for something that no signal reaches.
const interruptGrace = 5 * time.Second

// interrupts ends a command at the first signal.
type interrupts struct {
	signals chan os.Signal
	done    chan struct{}
	over    chan struct{}
	got     os.Signal // once over is closed
}

// interruptible returns a context that ends when somebody wants the command to end: Ctrl-C, SIGTERM, or the end of its terminal. Its
// cause is *gateway.SignalError. A second signal ends the process at once. Call stop when the command is over: it returns the signal
// that came, or nil.
func interruptible(ctx context.Context) (_ context.Context, stop func() os.Signal) {
	ctx, cancel := context.WithCancelCause(ctx)
	i := &interrupts{signals: make(chan os.Signal, 1), done: make(chan struct{}), over: make(chan struct{})}
	wanted := []os.Signal{syscall.SIGTERM}
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		if !signal.Ignored(s) { // to ask for it would undo nohup
			wanted = append(wanted, s)
		}
	}
	signal.Notify(i.signals, wanted...)
	go i.wait(cancel)
	return ctx, func() os.Signal {
		close(i.done)
		<-i.over
		cancel(nil)
		return i.got
	}
}

// wait ends the context at a signal. If the command does not end after that, wait ends the process.
func (i *interrupts) wait(cancel context.CancelCauseFunc) {
	defer close(i.over)
	defer signal.Stop(i.signals)
	select {
	case <-i.done:
		return
	case i.got = <-i.signals:
	}
	signal.Stop(i.signals)
	cancel(&gateway.SignalError{Signal: i.got})
	grace := time.NewTimer(interruptGrace)
	defer grace.Stop()
	select {
	case <-i.done:
	case <-grace.C:
		os.Exit(exitcode.Signal(signalNumber(i.got)))
	}
}

// beginInterruptible gives a command its context, see interruptible.
func (a *app) beginInterruptible(cmd *cobra.Command) {
	ctx, stop := interruptible(cmd.Context())
	cmd.SetContext(ctx)
	a.interrupted = stop
}

// endInterruptible returns the error of a command with the exit code of the signal that ended it, if one did.
func (a *app) endInterruptible(err error) error {
	if a.interrupted == nil {
		return err
	}
	sig := a.interrupted()
	var ended *gateway.SignalError
	switch {
	case err == nil || sig == nil: // it came to its end all the same
		return err
	case errors.Is(err, context.Canceled), errors.As(err, &ended):
		return &gateway.SignalError{Signal: sig}
	}
	return &codeError{err, exitcode.Signal(signalNumber(sig))}
}

// input returns what the command reads, until ctx ends.
func (a *app) input(ctx context.Context) io.Reader { return &interruptibleReader{ctx, a.In} }

type interruptibleReader struct {
	ctx context.Context
	in  io.Reader
}

// Read fails with the cause of the context once that ends. Nothing ends a read from a terminal or a pipe, so the routine that reads may
// outlive the call: it ends with the process.
func (r *interruptibleReader) Read(p []byte) (int, error) {
	type result struct {
		data []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		buf := make([]byte, len(p))
		n, err := r.in.Read(buf)
		read <- result{buf[:n], err}
	}()
	select {
	case <-r.ctx.Done():
		return 0, context.Cause(r.ctx)
	case got := <-read:
		return copy(p, got.data), got.err
	}
}

// interruptibleWriter prints until ctx ends: who typed Ctrl-C wants to read no more.
type interruptibleWriter struct {
	ctx context.Context
	out io.Writer
}

func (w *interruptibleWriter) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	return w.out.Write(p)
}
