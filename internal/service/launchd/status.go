package launchd

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/hosted"
)

// Status returns what a job does now.
func (m *Manager) Status(ctx context.Context, id service.ID) (service.Status, error) {
	s, err := m.find(id)
	if err != nil {
		return service.Status{}, err
	}
	f, err := m.look(ctx, id, s)
	if err != nil {
		return service.Status{}, err
	}
	st, _ := profile.ReadState(m.profileHome(id))
	out := service.Status{ID: id, Up: f.pid != 0, PID: f.pid, Ready: hosted.Serves(st, f.pid), ExitCode: -1, Restarts: max(0, f.runs-1), Self: service.Inside(f.pid)}
	if !out.Up {
		out.ExitCode = f.code
	} else if st.StartTime > 0 && st.PID == f.pid {
		out.For = max(0, time.Since(time.Unix(st.StartTime, 0)))
	}
	out.WantUp = out.Up || f.loaded && f.code > 0 // launchd waits until it may start the job again
	out.Backoff = !out.Up && out.WantUp
	return out, nil
}

// List returns the status of every installed job of this home, ordered by name.
func (m *Manager) List(ctx context.Context) ([]service.Status, error) {
	ids := m.ids()
	all := make([]service.Status, len(ids))
	for i, id := range ids {
		st, err := m.Status(ctx, id)
		if err != nil {
			st = service.Status{ID: id, ExitCode: -1, Restarts: -1}
		}
		all[i] = st
	}
	return all, ctx.Err()
}

// jobFacts is what launchctl print tells about a job.
type jobFacts struct {
	loaded    bool
	leaving   bool // it is being unloaded, and its process is still ending
	pid, runs int
	code      int // of the last run; -1 if there was none, or if a signal ended it
}

func (m *Manager) look(ctx context.Context, id service.ID, s jobScope) (jobFacts, error) {
	out, code, err := m.run(ctx, "print", s.target(id))
	switch {
	case ctx.Err() != nil:
		return jobFacts{}, fmt.Errorf("look at '%s': %w", id, ctx.Err())
	case err != nil:
		return jobFacts{}, &service.CommandError{Manager: "launchctl", Service: id, Action: "look at", Reason: err.Error()}
	case code == noSuchJob:
		return jobFacts{code: -1}, nil
	case code != 0:
		return jobFacts{}, &service.CommandError{Manager: "launchctl", Service: id, Action: "look at",
			Reason: fmt.Sprintf("print ended with code %d: %s", code, strings.Join(strings.Fields(out), " "))}
	}
	return parseJob(out), nil
}

// parseJob reads the lines "\tstate = SIGTERMed", "\tpid = 12", "\truns = 3", "\tlast exit code = 1" or "= 78: EX_CONFIG" or "= (never exited)".
func parseJob(text string) jobFacts {
	f := jobFacts{loaded: true, code: -1}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "\t\t") { // a line about a part of the job
			continue
		}
		name, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !ok {
			continue
		}
		if name == "state" { // such as SIGTERMed, SIGKILLed
			f.leaving = strings.HasPrefix(value, "SIG")
			continue
		}
		value, _, _ = strings.Cut(value, ":")
		n, err := strconv.Atoi(value)
		if err != nil {
			continue
		}
		switch name {
		case "pid":
			f.pid = n
		case "runs":
			f.runs = n
		case "last exit code":
			f.code = n
		}
	}
	return f
}
