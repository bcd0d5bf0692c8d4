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

// ownSignals marks commands that decide by themselves what a signal means. These are the commands that run until a signal comes, and
// the steps of a boot, which a signal ends at once.
const ownSignals = "own-signals"

// interruptGrace is how long a command may take to end after a signal. Removing what it began takes a moment. A command that still
// runs after this time waits for something that the end of its context does not interrupt.
const interruptGrace = 5 * time.Second

// interrupts ends a command at the first signal.
type interrupts struct {
	signals chan os.Signal
	done    chan struct{}
	over    chan struct{}
	got     os.Signal // the signal that came, if one did; written before over is closed
}

// interruptible returns a context that ends at Ctrl-C, at SIGTERM, and when the command's terminal ends. Its cause is
// *gateway.SignalError. A second signal ends the process at once. Call stop when the command is over: it returns the signal that
// came, or nil.
func interruptible(ctx context.Context) (_ context.Context, stop func() os.Signal) {
	ctx, cancel := context.WithCancelCause(ctx)
	i := &interrupts{signals: make(chan os.Signal, 1), done: make(chan struct{}), over: make(chan struct{})}
	wanted := []os.Signal{syscall.SIGTERM}
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		if !signal.Ignored(s) { // nohup has it ignored, and Notify would undo that
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

// wait ends the context at the first signal. If the command does not end within interruptGrace after that, wait ends the process.
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

// beginInterruptible gives a command a context that a signal ends, see interruptible.
func (a *app) beginInterruptible(cmd *cobra.Command) {
	ctx, stop := interruptible(cmd.Context())
	cmd.SetContext(ctx)
	a.interrupted = stop
}

// withSignal returns what a command's error means after a signal; sig is nil if none came. A command that came to its end all the
// same succeeded. One that the signal ended reports the signal. One that failed in another way keeps its error and gets the exit
// code of the signal.
func withSignal(err error, sig os.Signal) error {
	var ended *gateway.SignalError
	switch {
	case err == nil || sig == nil:
		return err
	case errors.Is(err, context.Canceled), errors.As(err, &ended):
		return &gateway.SignalError{Signal: sig}
	}
	return &codeError{err, exitcode.Signal(signalNumber(sig))}
}

// input returns a reader of the command's input whose reads fail once ctx ends.
func (a *app) input(ctx context.Context) io.Reader { return &interruptibleReader{ctx, a.In} }

// interruptibleReader is a reader whose reads fail once ctx ends.
type interruptibleReader struct {
	ctx context.Context
	in  io.Reader
}

// Read fails with the cause of the context once the context ends. A read from a terminal or a pipe cannot be interrupted, so the
// goroutine that reads may go on after Read has returned. It ends with the process.
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

// interruptibleWriter is a writer whose writes fail once ctx ends, so that nothing more is printed after Ctrl-C.
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
