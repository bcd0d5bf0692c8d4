package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/environment"
	"hermes/internal/gateway"
	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/local"
	"hermes/internal/service/s6"
)

// Streams is where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// app is what the commands share: the streams, the environment, and the flags that work everywhere.
type app struct {
	Streams         // of what is printed, see cleanWriter
	raw     Streams // as they are
	args    []string
	getenv  func(string) string
	early   chan os.Signal // see signals
	profile string         // -p
	format  string         // --format
	// interrupted ends what beginInterruptible began; nil before.
	interrupted func() os.Signal
}

// Run executes one command line and returns the process's exit code (contract "Exit codes").
func Run(ctx context.Context, args []string, s Streams) int {
	a := &app{Streams: s, raw: s, args: args, getenv: environment.Get}
	if os.Getpid() == 1 && len(args) > 0 && args[0] == "init" {
		a.signals()
	}
	asJSON := func() bool { return a.format == "json" }
	a.Out, a.Err = &cleanWriter{w: s.Out, json: asJSON}, &cleanWriter{w: s.Err, json: asJSON}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	return a.report(a.endInterruptible(root.ExecuteContext(ctx)))
}

// report prints an error once and turns it into the exit code.
func (a *app) report(err error) int {
	if err == nil {
		return 0
	}
	code := exitCode(err)
	var silent *silentError
	var signal *gateway.SignalError
	switch {
	case errors.As(err, &silent), errors.As(err, &signal): // the log has said it
	case a.format == "json":
		_ = json.NewEncoder(a.Err).Encode(map[string]any{"error": err.Error(), "exit_code": code})
	default:
		fmt.Fprintf(a.Err, "✗ %v\n", err)
	}
	return code
}

// name returns the profile that -p chose; without -p the one that `hermes profile use` chose, where that counts,
// or the default one.
func (a *app) name() (profile.Name, error) {
	if a.profile == "" {
		return a.unnamed()
	}
	n, err := profile.ParseName(a.profile)
	if err != nil {
		return n, &usageError{err}
	}
	return n, nil
}

func (a *app) store() (*profile.Store, error) {
	root, err := profile.RootFromEnv(a.getenv)
	if err != nil {
		return nil, err
	}
	return profile.NewStore(root), nil
}

// manager returns the service manager in charge, or nil if there is none: s6; else the host's, for the gateways that are
// installed as its services, and the `hermes up` of this home for the others.
func (a *app) manager() service.Manager {
	dir := s6.Scandir(a.getenv)
	if s6.Detect(dir) == service.KindS6 {
		return s6.New(dir)
	}
	var rest service.Manager
	if root, err := profile.RootFromEnv(a.getenv); err == nil && a.upIsLive() {
		rest = local.NewManager(root)
	}
	if h := a.host(false, ""); h != nil && h.Any() {
		return service.Split{Host: h, Rest: rest}
	}
	return rest
}

// upIsLive reports whether the embedded supervisor of this home takes commands.
func (a *app) upIsLive() bool {
	root, err := profile.RootFromEnv(a.getenv)
	return err == nil && local.Live(root)
}

// lifecycle returns what starts and stops gateways here. Where no service manager is in charge the
// error says what to do instead (M12).
func (a *app) lifecycle() (operate.Lifecycle, error) {
	m := a.manager()
	if m == nil {
		return operate.Lifecycle{}, errNoManager(container.InContainer() && a.host(false, "") == nil)
	}
	store, err := a.store()
	return operate.Lifecycle{Manager: m, Store: store}, err
}

func errNoManager(inContainer bool) error {
	if inContainer {
		return errors.New("no service manager runs in this container, so there is nothing to start or stop gateways with: " +
			"start the container with the image's own entrypoint, or run `hermes gateway run` as its command and let docker restart it")
	}
	return errors.New("no service manager is in charge of gateways here: `hermes up` supervises them all, " +
		"`hermes gateway install` makes one a service of this host, `hermes gateway run` runs one in the foreground")
}

// json writes a value for programs.
func (a *app) json(v any) error {
	enc := json.NewEncoder(a.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// noArgs refuses arguments as wrong usage. After a command that has others below it, a word was to be one of them.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasAvailableSubCommands() {
		return unknownCommand(cmd, args[0])
	}
	return &usageError{fmt.Errorf("unexpected argument %q for `%s`: see `%s --help`", args[0], cmd.CommandPath(), cmd.CommandPath())}
}
