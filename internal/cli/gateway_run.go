package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/exitcode"
	"hermes/internal/gateway"
	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/profile/ports"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
	"hermes/internal/service/restart"
	"hermes/internal/service/s6"
)

// gatewayRunOptions is what `gateway run` is told.
type gatewayRunOptions struct {
	app         *app
	replace     bool
	noSupervise bool
	readyFD     int
}

func gatewayRunCommand(a *app) *cobra.Command {
	o := gatewayRunOptions{app: a}
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
		Annotations: map[string]string{staysRoot: "yes", ownSignals: "yes"}, // run itself refuses to run as root, and says why
		Args:        noArgs,
		RunE:        o.run,
	}
	cmd.Flags().BoolVar(&o.replace, "replace", false, "take over from a gateway of this profile that runs already")
	cmd.Flags().BoolVar(&o.noSupervise, "no-supervise", false, "stay in the foreground, also in a container that supervises")
	cmd.Flags().IntVar(&o.readyFD, "ready-fd", 0, "write a newline to descriptor `N` once the gateway serves")
	return cmd
}

// run runs the gateway in this process, or hands it over to the supervisor of the container.
func (o *gatewayRunOptions) run(cmd *cobra.Command, _ []string) error {
	a, ctx := o.app, cmd.Context()
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
		Kind: s6.Detect(s6.Scandir(a.getenv)), Embedded: container.IsEmbedded(), NoSupervise: o.noSupervise, Getenv: a.getenv,
	}
	if r.Embedded && r.Kind == service.KindNone && a.upIsLive() {
		r.Kind = service.KindLocal
	}
	if r.Applies() {
		return o.redirect(ctx, n, r.Breadcrumb())
	}
	supervised := a.getenv(container.SupervisedChild) == "1"
	if !supervised && r.Detected() && container.IsCommand() {
		if err := o.standDown(ctx, n); err != nil {
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
	opts := gateway.Options{
		Home: home, Getenv: a.getenv, ReadyFD: o.readyFD, Replace: o.replace, Supervised: supervised, Argv: os.Args,
		Healthy: restart.Default().Healthy,
		// `profile create` writes down a port. A profile that was made without it gets its port at its first start.
		AssignPort: func(ctx context.Context) error {
			_, err := ports.Assign(ctx, profile.NewStore(home.Root), home, a.getenv)
			return err
		},
	}
	if kind := service.Kind(a.getenv(service.Variable)); supervised && kind != "" {
		return o.runOnHost(ctx, kind, opts)
	}
	if !supervised {
		a.warnOddSwitches()
	}
	opts.Log = a.logger(supervised)
	return gateway.Run(ctx, opts)
}

// redirect has the supervisor run the gateway (M1). If this process is the container's command, or runs below it without a terminal,
// it then keeps the container up. Otherwise, as under `docker exec`, it follows the gateway's log.
func (o *gatewayRunOptions) redirect(ctx context.Context, n profile.Name, breadcrumb string) error {
	a := o.app
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
		fmt.Fprintf(a.Err, "✗ %v\n", err) // the gateway will fail and report it, too; the container stays up, so that it can be mended
	}
	if container.IsCommand() || os.Getppid() != 0 && !a.onTerminal() {
		// The container stays up whatever becomes of the gateway.
		if err := l.Start(ctx, n, 0); err != nil {
			fmt.Fprintf(a.Err, "✗ %v\n", err)
		}
		return container.Heartbeat()
	}
	if err := l.Act(ctx, operate.Start, n); err != nil {
		fmt.Fprintf(a.Err, "✗ %v\n", err)
	}
	fmt.Fprintln(a.Err, "following its log; Ctrl-C stops following, the gateway goes on")
	return followLog(ctx, a, home, 10)
}

// standDown takes the profile's slot down, because the gateway is about to run as the container's command
// instead (M4). What the operator wants stays recorded as it is.
func (o *gatewayRunOptions) standDown(ctx context.Context, n profile.Name) error {
	a := o.app
	profiles, err := a.profiles()
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
	return m.Stop(ctx, service.Gateway(n), operate.WaitFor(operate.Stop, profiles.Home(n)))
}
