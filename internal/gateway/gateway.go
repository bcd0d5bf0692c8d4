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
	// Home is a home that provision.Seed made, or provision.SeedForeign if it belongs to another program.
	Home   profile.Home
	Getenv func(string) string // nil means environment.Get
	// ReadyFD is a descriptor to which the gateway writes a newline once it serves; then it closes it. 0 or less: none.
	ReadyFD int
	// NotifySocket is the socket of a manager that speaks sd_notify(3). The gateway tells it when it serves, when its earlier
	// failures no longer count, and when it drains. "": none.
	NotifySocket string
	// Healthy is for how long the gateway serves until that manager is told to forget its earlier failures; 0 for never.
	Healthy time.Duration
	// AssignPort, if not nil, gives the profile a port if its files name none. For that it reads the files of all profiles.
	// Without it the gateway reads only its own files, and takes the port derived from the profile's name if they name none.
	AssignPort func(context.Context) error
	// Replace ends a gateway of this profile that already runs, and takes its place.
	Replace bool
	// Supervised says that a service manager started this gateway. Then the gateway survives a broken pipe on its output. It is
	// logged.
	Supervised bool
	Argv       []string     // the command line, as written to gateway.pid and gateway_state.json; nil means os.Args
	Log        *slog.Logger // nil means slog.Default
}

// Run runs the gateway of a profile until a signal arrives or ctx ends, and then drains. SIGHUP, which a terminal sends when it
// is closed, is such a signal too, unless it was ignored when the process started (nohup).
//
// It returns nil after a planned end (`gateway stop`, a takeover), *SignalError after an unplanned one, ErrRestartRequested,
// *HeldError if the profile's gateway already runs, *profile.ConfigError if the profile's files are wrong, the cause of ctx if
// ctx ended, or the error that kept it from starting or serving.
func Run(ctx context.Context, o Options) error {
	o.setDefaults()
	if o.Getenv("GOGC") == "" {
		// The live heap is small, so collecting twice as often costs little time and halves the garbage.
		defer debug.SetGCPercent(debug.SetGCPercent(50))
	}
	// The process that reads the output may die, and then a write raises SIGPIPE. Under a supervisor the gateway loses that line
	// and goes on. Without one it ends, as other programs do, except while it drains: the reader may have gone with the closed
	// terminal that caused the drain.
	broken := make(chan os.Signal, 1)
	defer signal.Stop(broken)
	keepWriting := func() { signal.Notify(broken, syscall.SIGPIPE) }
	if o.Supervised {
		keepWriting()
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // Notify would end the ignoring that nohup asked for
		signal.Notify(signals, syscall.SIGHUP)
	}
	defer signal.Stop(signals)

	g := &gateway{o: o, log: o.Log.With("profile", o.Home.Name.String()), signals: signals, started: time.Now(), term: takeoverTerm, keepWriting: keepWriting}
	return unwritable(g.run(ctx))
}

// unwritable turns the error of a mount that cannot be written into a configuration error, because trying again cannot help.
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

// gateway is one run of a gateway.
type gateway struct {
	o       Options
	log     *slog.Logger
	signals <-chan os.Signal
	started time.Time
	term    time.Duration // takeoverTerm; tests set a shorter one
	state   stateFile
	// keepWriting makes the gateway survive a write to an output that nobody reads any more.
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
