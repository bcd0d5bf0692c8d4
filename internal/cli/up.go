package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/boot"
	"hermes/internal/container"
	"hermes/internal/dashboard/access"
	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/local"
	"hermes/internal/service/s6"
)

// upOptions is what `up` is told.
type upOptions struct {
	app         *app
	detach      bool
	detached    bool // this is the supervisor that `up -d` started
	plain       bool // no table
	init        bool // a container's init started it
	only        []string
	noDashboard bool
	readyFD     int
}

func upCommand(a *app) *cobra.Command {
	o := upOptions{app: a}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Supervise all gateways from here, with no container and no s6",
		Long: `up runs the gateways of all profiles as its own processes, by the rules of the image: those start that ran
before, or that the operator wants; one that fails comes back with growing delays, up to a limit. It stays in the foreground
until Ctrl-C (a second one does not wait for running turns), SIGTERM, or ` + "`hermes down`" + `; the gateways end with it, and the next
up starts them again. Meanwhile all other commands work from any terminal of the same user.

On a terminal it shows a live table of the gateways, with keys to start, stop and restart them and to read their logs (? lists
them). Otherwise, and with --plain, it logs lines.

In a home that has only the default profile, which never ran, up starts it. The dashboard comes along, on
http://127.0.0.1:9119, unless HERMES_DASHBOARD=0 or --no-dashboard; ` + "`hermes dashboard link`" + ` logs a browser in.`,
		Example: `  hermes up
  hermes up -d
  hermes up --only coder --only reviewer`,
		Annotations: map[string]string{ownSignals: "yes"},
		Args:        noArgs,
		RunE:        o.run,
	}
	cmd.Flags().BoolVarP(&o.detach, "detach", "d", false, "return when every gateway is ready, or say which is not; `hermes down` ends them")
	cmd.Flags().BoolVar(&o.detached, "detached", false, "")
	cmd.Flags().BoolVar(&o.plain, "plain", false, "log lines on a terminal too, instead of the table")
	cmd.Flags().BoolVar(&o.init, "init", false, "")
	cmd.Flags().StringArrayVar(&o.only, "only", nil, "supervise only the profile `NAME`; may be given several times")
	cmd.Flags().BoolVar(&o.noDashboard, "no-dashboard", false, "leave the dashboard out")
	cmd.Flags().IntVar(&o.readyFD, "ready-fd", 0, "write a newline to descriptor `N` once every gateway is ready or has failed")
	for _, internal := range []string{"detached", "init"} {
		if err := cmd.Flags().MarkHidden(internal); err != nil {
			panic(err) // there is no flag of this name
		}
	}
	complete(cmd, "only", a.completeProfile)
	return cmd
}

// run supervises from this process, or with -d from another one that outlives this command.
func (o *upOptions) run(cmd *cobra.Command, _ []string) error {
	a := o.app
	if !o.detached && !o.init {
		a.warnOddSwitches()
	}
	if o.detach {
		a.beginInterruptible(cmd)
		return o.startDetached(cmd.Context())
	}
	if os.Getpid() == 1 {
		return a.belowPID1()
	}
	return o.supervise(cmd.Context())
}

// upWait is how long up waits for its gateways before it says which are not ready.
const upWait = 60 * time.Second

// supervise runs the gateways of this home until a signal or `hermes down` ends it.
func (o *upOptions) supervise(ctx context.Context) error {
	a := o.app
	profiles, home, err := a.upHome()
	if err != nil {
		return err
	}
	if s6.Detect(s6.Scandir(a.getenv)) == service.KindS6 {
		return errors.New("s6 supervises the gateways here already: `hermes gateway start` starts one")
	}
	program, err := thisProgram()
	if err != nil {
		return err
	}
	claim, err := local.Take(home)
	if err != nil {
		return err
	}
	defer claim.Release()
	opts := local.Options{Home: home, Program: program, Env: os.Environ(), Log: a.logger(false)}
	if o.init {
		opts.Copy = a.Out
	}
	table := o.openTable()
	if o.detached || o.init || table != nil {
		w := logs.NewWriter(profiles.Files().Sub("logs/up"))
		defer w.Close()
		opts.Log = loggerTo(w, true)
		if table != nil {
			opts.Log = slog.New(noticing{opts.Log.Handler(), table.notices})
		}
	} else {
		opts.Copy = a.Out
	}
	s := local.New(opts)
	defer table.close()

	ctx, end := context.WithCancel(ctx)
	defer end()
	defer endAtSignals(s, end, o.detached || o.init)()

	env := o.bootEnv(profiles)
	if o.init {
		env = a.getenv // in the image nothing starts by default, so the defaults of bootEnv are left out
	}
	if table != nil && container.Strict(env("HERMES_DASHBOARD")) {
		table.hint = o.tableHint()
	}
	o.boot(ctx, s, profiles, env, opts.Log)
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		_ = s.Listen(claim.Listener, end) // it ends when the listener is closed
	}()
	if o.init {
		tellReady(o.readyFD) // from now on commands are answered, also while gateways start
	}
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		o.settle(ctx, s, opts.Log, home, table)
	}()
	stopTable := table.run(a, s, profiles, home)
	s.Serve(ctx)
	stopTable()
	<-settled
	claim.Listener.Close()
	<-listening
	opts.Log.Info("down", "home", home)
	return nil
}

// boot registers the services of this home with the supervisor and has those started that are to run. It logs what is unusual about a
// profile. An error does not end the supervisor: the other profiles are registered all the same.
func (o *upOptions) boot(ctx context.Context, s *local.Supervisor, profiles *profile.Store, env func(string) string, log *slog.Logger) {
	outcomes, err := boot.Reconcile(profiles, chosen{s, o.only, o.app.host(false, "")}, env, false)
	if err != nil {
		log.Warn("not all is as it should be", "error", err)
	}
	for _, out := range outcomes {
		level := slog.LevelWarn
		if out.Reason == "HERMES_GATEWAY_BOOTSTRAP_STATE" { // the first gateway of a new home: nothing to warn of
			level = slog.LevelInfo
		}
		if out.Reason != "" {
			log.Log(ctx, level, "profile", "name", out.Profile, "action", string(out.Action), "reason", out.Reason)
		}
	}
}

// settle waits until every gateway is ready or has failed, for upWait at most. Then it logs how many are ready, shows the way to the
// dashboard on a terminal that has no table, and writes to --ready-fd.
func (o *upOptions) settle(ctx context.Context, s *local.Supervisor, log *slog.Logger, home string, table *upTable) {
	begun := time.Now()
	s.Settle(ctx, upWait)
	if ctx.Err() != nil {
		return
	}
	list, _ := s.List(ctx)
	up, wanted := 0, 0
	for _, st := range list {
		if st.Ready {
			up++
		}
		if asked(st) {
			wanted++
		}
	}
	log.Info("up", "ready", up, "services", wanted, "ms", time.Since(begun).Milliseconds(), "home", home)
	if table == nil && !o.detached && !o.init && dashboardUp(list) && o.app.onTerminal() {
		fmt.Fprintln(o.app.raw.Out, o.wayIn(ctx)) // not into the log, because logs are kept and the link logs in
	}
	if !o.init {
		tellReady(o.readyFD)
	}
}

// tellReady writes a newline to a descriptor; 0 means that there is none.
func tellReady(fd int) {
	if fd > 0 {
		w := os.NewFile(uintptr(fd), "ready-fd")
		_, _ = w.WriteString("\n") // it fails if nobody waits any more
		w.Close()
	}
}

// upHome returns the profiles of HERMES_HOME and its absolute path. It makes the directory if it is missing.
func (a *app) upHome() (*profile.Store, string, error) {
	profiles, err := a.profiles()
	if err != nil {
		return nil, "", err
	}
	home, err := filepath.Abs(profiles.Root())
	if err != nil {
		return nil, "", err
	}
	return profiles, home, os.MkdirAll(home, 0o700)
}

// endAtSignals calls end at the first signal, which lets running turns finish. At the second signal it has the supervisor kill all its
// processes. A detached supervisor has no terminal, so the end of one (SIGHUP) does not end it.
func endAtSignals(s *local.Supervisor, end func(), detached bool) (stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for asked := 0; ; {
			select {
			case <-done:
				return
			case sig := <-signals:
				switch {
				case sig == syscall.SIGPIPE, sig == syscall.SIGHUP && detached:
					continue
				case asked > 0:
					s.Kill()
				}
				asked++
				end()
			}
		}
	}()
	return func() { signal.Stop(signals); close(done); <-over }
}

// bootEnv returns the environment in which the boot decides what starts. It has two defaults: a home that has nothing but the default
// profile, which never ran, gets its gateway started, and the dashboard is wanted unless somebody declined it.
func (o *upOptions) bootEnv(profiles *profile.Store) func(string) string {
	fresh := true
	if entries, err := profiles.List(); err == nil {
		fresh = !slices.ContainsFunc(entries, func(e profile.Entry) bool { return e.Label != profile.DefaultName })
	}
	return func(name string) string {
		v := o.app.getenv(name)
		switch {
		case name == "HERMES_DASHBOARD" && o.noDashboard:
			return "0"
		case name == "HERMES_DASHBOARD" && v == "":
			return "1"
		case name == "HERMES_GATEWAY_BOOTSTRAP_STATE" && v == "" && fresh:
			return string(profile.StateRunning)
		}
		return v
	}
}

// wayIn says how to get to the dashboard that comes along with `hermes up`. If it has no credentials, a terminal is shown a link that
// logs in. Anywhere else output may be kept, so it is only told how to get a link.
func (o *upOptions) wayIn(ctx context.Context) string {
	a := o.app
	accessOptions, err := access.FromEnv(a.getenv)
	if err != nil {
		return ""
	}
	if accessOptions.Protected() {
		return "dashboard: " + accessOptions.URL()
	}
	if a.onTerminal() {
		if link, err := a.dashboardLink(ctx, accessOptions); err == nil {
			return "dashboard: " + link + " (logs in once, within 15 minutes; `hermes dashboard link` prints another)"
		}
	}
	return "dashboard: `hermes dashboard link` prints a link that logs in"
}

// chosen is the supervisor as the boot sees it. It registers the gateways that --only names, or all without --only, and none that is a
// service of the host.
type chosen struct {
	*local.Supervisor
	only []string
	host hostManager // may be nil
}

// Write registers a service, or does nothing if it is not to be supervised here.
func (c chosen) Write(spec service.Spec) (bool, error) {
	if n, ok := spec.ID.Profile(); ok && len(c.only) > 0 && !slices.Contains(c.only, n.String()) {
		return false, nil
	}
	if c.host != nil && c.host.Installed(spec.ID) {
		return false, nil
	}
	return c.Supervisor.Write(spec)
}
