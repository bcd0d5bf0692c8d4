package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hermes/internal/container"
	"hermes/internal/exitcode"
	"hermes/internal/gateway"
	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/profile/ports"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
	"hermes/internal/service/s6"
)

type gatewayRunFlags struct {
	replace     bool
	noSupervise bool
	readyFD     int
}

func (a *app) gatewayRunCommand() *cobra.Command {
	var f gatewayRunFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run a profile's gateway",
		Long: `run runs the gateway of a profile in the foreground, until SIGTERM, Ctrl-C, or the end of its terminal (SIGHUP, unless
it was started with nohup): running turns may finish (gateway.drain_timeout in config.yaml), then it ends.

In a container whose init is ours it hands over instead: the supervisor runs the gateway and restarts it
after a crash, and this command stays as the container's heartbeat (typed in a terminal of
docker exec, it follows the gateway's log). --no-supervise or ` + container.OptOut + `=1 keeps it in the foreground.

Exit codes: 0 after a planned stop, 1 failure, 75 restart me, 78 wrong configuration, 126 refused to run as
root, 128+N ended by signal N.`,
		Example: `  hermes gateway run
  hermes -p coder gateway run --replace`,
		Annotations: map[string]string{staysRoot: "yes", ownSignals: "yes"}, // it refuses to run as root, and says why
		Args:        noArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return a.gatewayRun(cmd.Context(), f) },
	}
	cmd.Flags().BoolVar(&f.replace, "replace", false, "take over from a gateway of this profile that runs already")
	cmd.Flags().BoolVar(&f.noSupervise, "no-supervise", false, "stay in the foreground, also in a container that supervises")
	cmd.Flags().IntVar(&f.readyFD, "ready-fd", 0, "write a newline to descriptor `N` once the gateway serves")
	return cmd
}

func (a *app) gatewayRun(ctx context.Context, f gatewayRunFlags) error {
	if os.Geteuid() == 0 && container.InImage() && !container.Strict(a.getenv("HERMES_ALLOW_ROOT_GATEWAY")) {
		return &codeError{errors.New("refusing to run the gateway as root: its files would lock the runtime user out; " +
			"unset HERMES_DOCKER_EXEC_AS_ROOT, or set HERMES_ALLOW_ROOT_GATEWAY=1 if you must"), exitcode.Root}
	}
	if os.Geteuid() == 0 && !container.InImage() {
		if err := a.becomeOwner(); err != nil {
			return err
		}
	}
	n, err := a.name()
	if err != nil {
		return err
	}
	r := container.Redirect{
		Kind: s6.Detect(s6.Scandir(a.getenv)), Embedded: container.IsEmbedded(), NoSupervise: f.noSupervise, Getenv: a.getenv,
	}
	if r.Embedded && r.Kind == service.KindNone && a.upIsLive() {
		r.Kind = service.KindLocal
	}
	if r.Applies() {
		return a.redirect(ctx, n, r.Breadcrumb())
	}
	supervised := a.getenv(container.SupervisedChild) == "1"
	if !supervised && r.Detected() && container.IsCommand() {
		if err := a.standDown(ctx, n); err != nil {
			return err
		}
	}
	if os.Getpid() == 1 {
		return a.belowPID1()
	}
	home, err := a.home()
	var missing *profile.NotFoundError
	if errors.As(err, &missing) {
		return service.NotRegistered(service.Gateway(n))
	}
	if err != nil {
		return err
	}
	if err := provision.SeedForeign(ctx, home); err != nil {
		return err
	}
	o := gateway.Options{
		Home: home, Getenv: a.getenv, ReadyFD: f.readyFD, Replace: f.replace, Supervised: supervised, Argv: os.Args,
		// A profile that was made without our commands gets its port at its first start.
		AssignPort: func(ctx context.Context) error {
			_, err := ports.Assign(ctx, profile.NewStore(home.Root), home, a.getenv)
			return err
		},
	}
	if kind := service.Kind(a.getenv(service.Variable)); supervised && kind != "" {
		return a.hostGateway(ctx, kind, o)
	}
	if !supervised {
		a.oddSwitches()
	}
	o.Log = a.logger(supervised)
	return gateway.Run(ctx, o)
}

// oddSwitches says what is wrong with variables that are neither on nor off. In the image the boot has said it.
func (a *app) oddSwitches() {
	if container.InImage() {
		return
	}
	for _, line := range container.OddSwitches(a.getenv) {
		fmt.Fprintln(a.Err, "hermes: "+line)
	}
}

// belowPID1 runs this command line again as a child and is a container's PID 1 meanwhile.
func (a *app) belowPID1() error {
	code, err := container.Foreground(a.signals())
	if err == nil && code != 0 {
		err = &silentError{code}
	}
	return err
}

// logger writes one line per event. Under a supervisor the logger adds the time.
func (a *app) logger(supervised bool) *slog.Logger { return loggerTo(a.Err, supervised) }

func loggerTo(w io.Writer, supervised bool) *slog.Logger {
	var o slog.HandlerOptions
	if supervised {
		o.ReplaceAttr = func(groups []string, at slog.Attr) slog.Attr {
			if len(groups) == 0 && at.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return at
		}
	}
	return slog.New(slog.NewTextHandler(w, &o))
}

// redirect hands `gateway run` over to the supervisor (M1).
func (a *app) redirect(ctx context.Context, n profile.Name, breadcrumb string) error {
	l, err := a.lifecycle()
	if err != nil {
		return err
	}
	home, err := a.home()
	var missing *profile.NotFoundError
	if errors.As(err, &missing) {
		return service.NotRegistered(service.Gateway(n))
	}
	fmt.Fprintln(a.Err, breadcrumb)
	if err != nil {
		fmt.Fprintf(a.Err, "✗ %v\n", err) // the gateway will say it too; the container stays up to be mended
	}
	if container.IsCommand() || os.Getppid() != 0 && !a.onTerminal() {
		// The container stays up whatever the gateway does.
		if err := l.Start(ctx, n, 0); err != nil {
			fmt.Fprintf(a.Err, "✗ %v\n", err)
		}
		return container.Heartbeat()
	}
	if err := l.Act(ctx, operate.Start, n); err != nil {
		fmt.Fprintf(a.Err, "✗ %v\n", err)
	}
	fmt.Fprintln(a.Err, "following its log; Ctrl-C stops following, the gateway goes on")
	return a.followLog(ctx, home, 10)
}

func (a *app) onTerminal() bool {
	f, ok := a.raw.Out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// standDown takes the profile's slot down for a gateway that runs as the container's command
// instead (M4). The operator's intent stays as it is.
func (a *app) standDown(ctx context.Context, n profile.Name) error {
	store, err := a.store()
	if err != nil {
		return err
	}
	m := a.manager()
	st, err := m.Status(ctx, service.Gateway(n))
	var unknown *service.GatewayNotRegisteredError
	if errors.As(err, &unknown) || err == nil && !st.WantUp {
		return nil
	}
	if err != nil {
		return err
	}
	return m.Stop(ctx, service.Gateway(n), operate.WaitFor(operate.Stop, store.Home(n)))
}
