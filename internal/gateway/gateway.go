package gateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"hermes/internal/environment"
	"hermes/internal/profile"
	"hermes/internal/volume"
)

// Options says which gateway runs, and how.
type Options struct {
	// Home has what provision.Seed, or for another program's home provision.SeedForeign, makes.
	Home   profile.Home
	Getenv func(string) string // nil means environment.Get
	// ReadyFD gets a newline, and is closed, once the gateway serves. 0 or less: none.
	ReadyFD int
	// NotifySocket is where a manager that speaks sd_notify(3) is told that the gateway serves, that it
	// is well again, and that it drains. "" is none.
	NotifySocket string
	// Healthy is for how long the gateway serves until that manager is told to forget its earlier failures; 0 for never.
	Healthy time.Duration
	// AssignPort, if not nil, gives the profile a port if its files name none. It reads the files of all profiles; a gateway by
	// itself reads its own only, and without a port in them it takes the one that the profile's name gives.
	AssignPort func(context.Context) error
	// Replace takes over from a gateway that runs already.
	Replace bool
	// Supervised says that a service manager started this gateway. It is logged.
	Supervised bool
	Argv       []string     // the command line, for other tools; nil means os.Args
	Log        *slog.Logger // nil means slog.Default
}

// Run runs the gateway of a profile until a signal or the end of ctx, and then drains. SIGHUP, which a terminal sends when it is
// closed, is such a signal, unless it was ignored from the beginning (nohup).
//
// It returns nil after a planned end (`gateway stop`, a takeover), *SignalError after an
// unplanned one, ErrRestartRequested, *HeldError if the profile's gateway already runs,
// *profile.ConfigError if the profile's files are wrong, the cause of ctx if ctx ended,
// or what else kept it from starting or serving.
func Run(ctx context.Context, o Options) error {
	o.setDefaults()
	if o.Getenv("GOGC") == "" {
		// The live heap is small: half the garbage costs little time.
		defer debug.SetGCPercent(debug.SetGCPercent(50))
	}
	// Who reads the log may die. Under a supervisor a line that cannot be written is lost then, and the gateway goes on; elsewhere
	// it ends, as programs do, but not while it drains: who reads may be gone with the terminal that was closed.
	broken := make(chan os.Signal, 1)
	defer signal.Stop(broken)
	keepWriting := func() { signal.Notify(broken, syscall.SIGPIPE) }
	if o.Supervised {
		keepWriting()
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // to ask for it would undo nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	defer signal.Stop(signals)

	g := &gateway{o: o, log: o.Log.With("profile", o.Home.Name.String()), signals: signals, started: time.Now(), term: takeoverTerm, keepWriting: keepWriting}
	return unwritable(g.run(ctx))
}

// unwritable makes a wrong configuration of a mount that cannot be written: no other try can help.
func unwritable(err error) error {
	var pe *fs.PathError
	var wrong *profile.ConfigError
	if !errors.Is(err, volume.ErrMount) || !errors.As(err, &pe) || errors.As(err, &wrong) {
		return err
	}
	return &profile.ConfigError{File: pe.Path, Msg: fmt.Sprintf("it %v; mount it writable, or mount the directory that it lies in", pe.Err)}
}

func (o *Options) setDefaults() {
	if o.Getenv == nil {
		o.Getenv = environment.Get
	}
	if o.Argv == nil {
		o.Argv = os.Args
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
}

// gateway is one run.
type gateway struct {
	o       Options
	log     *slog.Logger
	signals <-chan os.Signal
	started time.Time
	term    time.Duration // takeoverTerm, but for tests
	state   stateFile
	// keepWriting makes the gateway live on when nobody reads its output.
	keepWriting func()
}

func (g *gateway) run(ctx context.Context) error {
	lock, err := g.acquire(ctx)
	if err != nil {
		return err
	}
	defer lock.release()

	g.state = stateFile{home: g.o.Home, log: g.log}
	if err := g.state.starting(g.o.Argv); err != nil {
		return err
	}
	g.log.Info("starting", "pid", os.Getpid(), "supervised", g.o.Supervised)
	l, err := g.start(ctx)
	if err != nil {
		return g.failed(err)
	}
	return g.serve(ctx, l)
}
