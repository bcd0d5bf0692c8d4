package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/boot"
	"hermes/internal/container"
	"hermes/internal/exitcode"
	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/local"
	"hermes/internal/service/s6"
)

type upFlags struct {
	detach, detached, noDashboard bool
	plain                         bool // no table
	init                          bool // a container's init started it
	only                          []string
	readyFD                       int
}

func (a *app) upCommand() *cobra.Command {
	var f upFlags
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
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !f.detached && !f.init {
				a.oddSwitches()
			}
			if f.detach {
				a.beginInterruptible(cmd)
				return a.upDetached(cmd.Context(), f)
			}
			if os.Getpid() == 1 {
				return a.belowPID1()
			}
			return a.up(cmd.Context(), f)
		},
	}
	cmd.Flags().BoolVarP(&f.detach, "detach", "d", false, "return when every gateway is ready, or say which is not; `hermes down` ends them")
	cmd.Flags().BoolVar(&f.detached, "detached", false, "")
	cmd.Flags().BoolVar(&f.plain, "plain", false, "log lines on a terminal too, instead of the table")
	cmd.Flags().BoolVar(&f.init, "init", false, "")
	cmd.Flags().StringArrayVar(&f.only, "only", nil, "supervise only the profile `NAME`; may be given several times")
	cmd.Flags().BoolVar(&f.noDashboard, "no-dashboard", false, "leave the dashboard out")
	cmd.Flags().IntVar(&f.readyFD, "ready-fd", 0, "write a newline to descriptor `N` once every gateway is ready or has failed")
	for _, internal := range []string{"detached", "init"} {
		if err := cmd.Flags().MarkHidden(internal); err != nil {
			panic(err) // a flag is misspelt above
		}
	}
	complete(cmd, "only", a.completeProfile)
	return cmd
}

// upWait is how long up waits for its gateways before it says which are not ready.
const upWait = 60 * time.Second

// up supervises until a signal, or `hermes down`, ends it.
func (a *app) up(ctx context.Context, f upFlags) error {
	store, home, err := a.upHome()
	if err != nil {
		return err
	}
	if s6.Detect(s6.Scandir(a.getenv)) == service.KindS6 {
		return errors.New("s6 supervises the gateways here already: `hermes gateway start` starts one")
	}
	program, err := a.program()
	if err != nil {
		return err
	}
	claim, err := local.Take(home)
	if err != nil {
		return err
	}
	defer claim.Release()
	o := local.Options{Home: home, Program: program, Env: os.Environ(), Log: a.logger(false)}
	if f.init {
		o.Copy = a.Out
	}
	table := a.openTable(f)
	if f.detached || f.init || table != nil {
		w := logs.NewWriter(store.Files().Sub("logs/up"))
		defer w.Close()
		o.Log = loggerTo(w, true)
		if table != nil {
			o.Log = slog.New(noticing{o.Log.Handler(), table.notices})
		}
	} else {
		o.Copy = a.Out
	}
	s := local.New(o)
	defer table.close()

	ctx, end := context.WithCancel(ctx)
	defer end()
	defer a.upSignals(s, end, f.detached || f.init)()

	env := a.upEnv(store, f)
	if f.init {
		env = a.getenv // as in the image: nothing starts because nobody said otherwise
	}
	if table != nil && container.Strict(env("HERMES_DASHBOARD")) {
		table.hint = a.tableHint()
	}
	outcomes, err := boot.Reconcile(store, chosen{s, f.only, a.host(false, "")}, env, false)
	if err != nil {
		o.Log.Warn("not all is as it should be", "error", err) // what could be done is done
	}
	for _, out := range outcomes {
		level := slog.LevelWarn
		if out.Reason == "HERMES_GATEWAY_BOOTSTRAP_STATE" { // as it is to be
			level = slog.LevelInfo
		}
		if out.Reason != "" {
			o.Log.Log(ctx, level, "profile", "name", out.Profile, "action", string(out.Action), "reason", out.Reason)
		}
	}
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		_ = s.Listen(claim.Listener, end) // it ends when the listener is closed
	}()
	if f.init { // commands that come now are taken as soon as there is somebody to take them
		tellReady(f.readyFD)
	}
	settled := make(chan struct{})
	go func() {
		defer close(settled)
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
		o.Log.Info("up", "ready", up, "services", wanted, "ms", time.Since(begun).Milliseconds(), "home", home)
		if table == nil && !f.detached && !f.init && dashboardUp(list) && a.onTerminal() {
			fmt.Fprintln(a.raw.Out, a.wayIn(ctx)) // beside the log: a link is for eyes only
		}
		if !f.init {
			tellReady(f.readyFD)
		}
	}()
	stopTable := table.run(a, s, store, home)
	s.Serve(ctx)
	stopTable()
	<-settled
	claim.Listener.Close()
	<-listening
	o.Log.Info("down", "home", home)
	return nil
}

// tellReady writes a newline to a descriptor, if there is one.
func tellReady(fd int) {
	if fd > 0 {
		w := os.NewFile(uintptr(fd), "ready-fd")
		_, _ = w.WriteString("\n") // who waits may have gone
		w.Close()
	}
}

func (a *app) upHome() (*profile.Store, string, error) {
	store, err := a.store()
	if err != nil {
		return nil, "", err
	}
	home, err := filepath.Abs(store.Root())
	if err != nil {
		return nil, "", err
	}
	return store, home, os.MkdirAll(home, 0o700)
}

// program returns the path of this binary as it was called, so that a newer one in its place is what runs next.
func (a *app) program() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("cannot tell where hermes is: %w", err)
	}
	called, err := exec.LookPath(os.Args[0])
	if err != nil {
		return self, nil //nolint:nilerr // the other way is as good
	}
	if called, err = filepath.Abs(called); err != nil {
		return self, nil //nolint:nilerr // the same
	}
	x, err1 := os.Stat(called)
	y, err2 := os.Stat(self)
	if err1 == nil && err2 == nil && os.SameFile(x, y) {
		return called, nil
	}
	return self, nil
}

// upSignals ends the supervisor at the first signal, and every process at once at the second.
func (a *app) upSignals(s *local.Supervisor, end func(), detached bool) (stop func()) {
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

// upEnv is the environment of a boot. A home that nobody has used yet gets its first gateway, and a dashboard that
// nobody declined is wanted.
func (a *app) upEnv(store *profile.Store, f upFlags) func(string) string {
	fresh := true
	if entries, err := store.List(); err == nil {
		fresh = !slices.ContainsFunc(entries, func(e profile.Entry) bool { return e.Label != profile.DefaultName })
	}
	return func(name string) string {
		v := a.getenv(name)
		switch {
		case name == "HERMES_DASHBOARD" && f.noDashboard:
			return "0"
		case name == "HERMES_DASHBOARD" && v == "":
			return "1"
		case name == "HERMES_GATEWAY_BOOTSTRAP_STATE" && v == "" && fresh:
			return string(profile.StateRunning)
		}
		return v
	}
}

// chosen registers only those gateways that --only names, and none that the host runs.
type chosen struct {
	*local.Supervisor
	only []string
	host hostManager // may be nil
}

func (c chosen) Write(spec service.Spec) (bool, error) {
	if n, ok := spec.ID.Profile(); ok && len(c.only) > 0 && !slices.Contains(c.only, n.String()) {
		return false, nil
	}
	if c.host != nil && c.host.Installed(spec.ID) {
		return false, nil
	}
	return c.Supervisor.Write(spec)
}

// upDetached starts a supervisor that outlives this command, and reports what came of it.
func (a *app) upDetached(ctx context.Context, f upFlags) error {
	_, home, err := a.upHome()
	if err != nil {
		return err
	}
	program, err := a.program()
	if err != nil {
		return err
	}
	errs, err := os.CreateTemp("", "hermes-up-*")
	if err != nil {
		return fmt.Errorf("cannot detach: %w", err)
	}
	defer os.Remove(errs.Name())
	defer errs.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot detach: %w", err)
	}
	defer r.Close()
	defer w.Close()
	args := []string{"up", "--detached"}
	for _, n := range f.only {
		args = append(args, "--only", n)
	}
	if f.noDashboard {
		args = append(args, "--no-dashboard")
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = errs, errs
	fd, err := detach(cmd, w)
	if err != nil {
		return fmt.Errorf("cannot detach: %w", err)
	}
	cmd.Args = append(cmd.Args, "--ready-fd", strconv.Itoa(fd))
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot detach: %w", err)
	}
	w.Close() // the supervisor has it, and its end is to be seen
	n, err := (&interruptibleReader{ctx, r}).Read(make([]byte, 1))
	if ctx.Err() != nil {
		fmt.Fprintf(a.Err, "the supervisor (pid %d) goes on; `hermes down` ends it\n", cmd.Process.Pid)
		return err
	}
	if n == 0 { // it ended
		_ = cmd.Wait() // its words say more than its code
		text, _ := io.ReadAll(io.NewSectionReader(errs, 0, 64<<10))
		fmt.Fprint(a.Err, string(text))
		return &silentError{exitcode.Failure}
	}
	pid := cmd.Process.Pid
	_ = cmd.Process.Release()
	return a.reportUp(ctx, home, pid)
}

// reportUp says which services of a new supervisor are ready, and which are not.
func (a *app) reportUp(ctx context.Context, home string, pid int) error {
	list, err := local.NewManager(home).List(ctx)
	if err != nil {
		return err
	}
	failed, ready, wanted := 0, 0, 0
	for _, st := range list {
		switch {
		case st.Ready:
			ready++
			wanted++
		case asked(st):
			wanted++
			why := cmp.Or(st.LastFailure.How(), st.LastExit(), "it is starting")
			if st.ID != service.Dashboard() {
				failed++
			}
			a.say("✗ %s is not ready: %s", st.ID, why)
		}
	}
	if a.format == "json" {
		if err := a.json(map[string]any{"pid": pid, "home": home, "ready": ready, "failed": failed, "services": list}); err != nil {
			return err
		}
	}
	outcome := fmt.Sprintf("✓ up (pid %d): %d of %d services are ready", pid, ready, wanted)
	if failed > 0 {
		outcome = fmt.Sprintf("✗ %d of %d services are ready; their supervisor (pid %d) goes on", ready, wanted, pid)
	}
	a.say("%s; `hermes gateway list` shows them, `hermes down` ends them", outcome)
	if dashboardUp(list) {
		a.say("  %s", a.wayIn(ctx))
	}
	if failed > 0 {
		return &silentError{exitcode.Failure}
	}
	return nil
}

// asked reports whether a service is to run, or failed when it was to.
func asked(st service.Status) bool {
	return st.Ready || st.WantUp || st.ExitCode > 0 || st.Signal != ""
}

// dashboardUp reports whether the dashboard is among what is ready.
func dashboardUp(list []service.Status) bool {
	return slices.ContainsFunc(list, func(st service.Status) bool { return st.ID == service.Dashboard() && st.Ready })
}
