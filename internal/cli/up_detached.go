package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"

	"hermes/internal/exitcode"
	"hermes/internal/service"
	"hermes/internal/service/local"
)

// startDetached starts a supervisor that outlives this command, waits until its gateways are ready or have failed, and reports which
// are ready. If the supervisor ends before that, what it printed is printed here.
func (o *upOptions) startDetached(ctx context.Context) error {
	a := o.app
	_, home, err := a.upHome()
	if err != nil {
		return err
	}
	program, err := thisProgram()
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
	for _, n := range o.only {
		args = append(args, "--only", n)
	}
	if o.noDashboard {
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
	w.Close() // the supervisor has its own; once it ends too, the read below ends
	n, err := (&interruptibleReader{ctx, r}).Read(make([]byte, 1))
	if ctx.Err() != nil {
		fmt.Fprintf(a.Err, "the supervisor (pid %d) goes on; `hermes down` ends it\n", cmd.Process.Pid)
		return err
	}
	if n == 0 { // the supervisor has ended
		_ = cmd.Wait() // its exit code is not needed: what it printed says why it ended
		text, _ := io.ReadAll(io.NewSectionReader(errs, 0, 64<<10))
		fmt.Fprint(a.Err, string(text))
		return &silentError{exitcode.Failure}
	}
	pid := cmd.Process.Pid
	_ = cmd.Process.Release()
	return o.report(ctx, home, pid)
}

// report says which services of a new supervisor are ready, and which are not.
func (o *upOptions) report(ctx context.Context, home string, pid int) error {
	a := o.app
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
		a.say("  %s", o.wayIn(ctx))
	}
	if failed > 0 {
		return &silentError{exitcode.Failure}
	}
	return nil
}

// asked reports whether a service is to run, or was to run and failed.
func asked(st service.Status) bool {
	return st.Ready || st.WantUp || st.ExitCode > 0 || st.Signal != ""
}

// dashboardUp reports whether the dashboard is among the services that are ready.
func dashboardUp(list []service.Status) bool {
	return slices.ContainsFunc(list, func(st service.Status) bool { return st.ID == service.Dashboard() && st.Ready })
}
