package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hermes/internal/fleet"
	"hermes/internal/profile"
	"hermes/internal/service"
)

const (
	// startsWithin is how long a gateway may take to start. If it takes longer, that is a finding.
	startsWithin = time.Minute
	// recent is how long a past failure stays a warning; recentOOM is the same for one for want of memory, which often comes back.
	recent, recentOOM = time.Hour, 24 * time.Hour
)

// checkGateways finds gateways that fail, were given up, are down although they should run, or do not answer. It also finds what
// dead gateways left behind.
func checkGateways(ctx context.Context, e *examination) []Finding {
	status := map[service.ID]service.Status{}
	if e.Manager != nil {
		if all, err := e.Manager.List(ctx); err == nil { // on an error the slot check reports it
			for _, st := range all {
				status[st.ID] = st
			}
		}
	}
	homes := e.homes()
	found := make([][]Finding, len(homes))
	service.Parallel(len(homes), func(i int) {
		h := homes[i]
		st, known := status[service.Gateway(h.Name)]
		pid := st.PID
		if s, err := profile.ReadState(h); err == nil || errors.Is(err, profile.ErrNoState) {
			if f, ok := e.gateway(h, s, st, known); ok {
				found[i] = append(found[i], f)
			}
			if serves := s.Gateway == profile.StateRunning || s.Gateway == profile.StateDegraded; !known && serves { // in the foreground
				pid, st.Ready = profile.RunningPID(h)
			}
		}
		if st.Ready && e.Ask != nil {
			if f, ok := e.deaf(ctx, h, pid); ok {
				found[i] = append(found[i], f)
			}
		}
		if f, ok := stalePID(h); ok {
			found[i] = append(found[i], f)
		}
	})
	return slices.Concat(found...)
}

// gateway says what is wrong with one gateway, from what its manager knows and what the gateway wrote into its state file.
func (e *examination) gateway(h profile.Home, s profile.State, st service.Status, known bool) (Finding, bool) {
	f := Finding{Severity: Error, Profile: h.Name.String()}
	who := fmt.Sprintf("gateway '%s'", h.Name)
	switch {
	case st.Up && st.Ready:
		return e.failedBefore(f, h, st)
	case st.WantUp && (st.Backoff || !st.LastFailure.IsZero()):
		f.What = who + " fails again and again: " + failures(st)
		f.Mend = "mend that; " + command(h.Name, "gateway logs -n 20") + " shows more, and " + e.again(h.Name) + " does not wait for the next try"
	case s.Gateway == profile.StateStartupFailed:
		f.What = who + " is not started any more"
		f.Mend = "mend that, then " + e.again(h.Name)
	case known && !st.WantUp && s.Desired != profile.DesiredStopped && (!st.LastFailure.IsZero() || st.GaveUp != ""):
		// The supervisor gave up but could not write that into the state file.
		f.What = who + " is not started any more: " + cmp.Or(st.GaveUp, failures(st))
		f.Mend = "mend that, then " + e.again(h.Name)
	case known && s.Desired == profile.DesiredRunning && !st.WantUp:
		f.Severity = Warning
		f.What = who + " is to run, but the supervisor keeps it down"
		f.Mend = command(h.Name, "gateway start") + ", or " + command(h.Name, "gateway stop") + " if it is to stay down"
	case st.WantUp && s.Desired == profile.DesiredStopped:
		f.Severity = Warning
		f.What = who + " is to be down, but the supervisor wants it up"
		f.Mend = command(h.Name, "gateway stop") + ", or " + command(h.Name, "gateway start") + " if it is to run"
		return f, true
	case st.Up && st.For > startsWithin:
		f.Severity = Warning
		f.What = fmt.Sprintf("%s has been starting for %s and does not serve yet", who, st.For.Round(time.Second))
		f.Mend = command(h.Name, "gateway logs -n 20") + " shows what it waits for; " + e.again(h.Name) + " starts it anew"
	default:
		return f, false
	}
	if reason := cmp.Or(s.ExitReason, fleet.LastWords(e.Store, service.Gateway(h.Name))); reason != "" && reason != "stopped" {
		f.What += ": " + short(reason)
	}
	return f, true
}

// failures describes how a service failed last, and how often it was restarted.
func failures(st service.Status) string {
	text := st.LastFailure.String()
	if text == "" {
		text = cmp.Or(st.LastExit(), "it ended")
	}
	switch {
	case st.Restarts == 1:
		text += ", restarted once"
	case st.Restarts > 1:
		text += fmt.Sprintf(", restarted %d times", st.Restarts)
	}
	return text
}

// failedBefore describes how a gateway failed that runs again now.
func (e *examination) failedBefore(f Finding, h profile.Home, st service.Status) (Finding, bool) {
	if st.LastFailure.IsZero() {
		return f, false
	}
	f.What = fmt.Sprintf("gateway '%s' runs again after a failure: %s", h.Name, failures(st))
	f.Mend = command(h.Name, "gateway logs -n 50") + " shows what it did before; stopped and started by hand, it begins to count anew"
	return e.over(f, st.LastFailure), true
}

// over makes a finding of a failure that is in the past.
func (e *examination) over(f Finding, d service.Death) Finding {
	limit := recent
	if d.OutOfMemory {
		limit = recentOOM
		f.Mend = "give it more memory, or let less run: `hermes gateway list` shows what each gateway takes"
		if e.Container {
			f.Mend = "give the container more memory (`docker run --memory`, `docker update --memory`), or let less run in it: `hermes gateway list` shows what each gateway takes"
		}
	}
	f.Severity = Warning
	if time.Since(d.Time) > limit {
		f.Severity = Note
	}
	return f
}

// deaf finds a gateway that should serve and does not answer.
func (e *examination) deaf(ctx context.Context, h profile.Home, pid int) (Finding, bool) {
	err := e.Ask(ctx, h)
	if err == nil || ctx.Err() != nil {
		return Finding{}, false
	}
	return Finding{
		Severity: Error, Profile: h.Name.String(), What: fmt.Sprintf("gateway '%s' (pid %d) does not answer: %v", h.Name, pid, err),
		Mend: command(h.Name, "gateway logs -n 20") + " shows what it does; " + e.again(h.Name) + " ends it and starts another",
	}, true
}

// stalePID finds the pid file of a gateway that does not live any more.
func stalePID(h profile.Home) (Finding, bool) {
	if _, err := h.Files().Lstat(profile.PIDName); err != nil {
		return Finding{}, false
	}
	if held(h) {
		return Finding{}, false
	}
	return Finding{
		Severity: Warning, Profile: h.Name.String(), What: h.PIDFile() + " names a gateway that no longer lives",
		Mend: "nothing needs it: `hermes doctor --fix` removes it, and so does the gateway's next start",
		fix:  func(context.Context) (string, error) { return removeStale(h) },
	}, true
}

// held reports whether a gateway holds the profile's lock. It does not create the lock's file.
func held(h profile.Home) bool {
	if _, err := h.Files().Lstat(profile.LockName); err != nil {
		return false
	}
	lock, err := h.Files().TryLock(profile.LockName)
	if err == nil {
		lock.Unlock()
	}
	return err != nil // if that cannot be found out, a gateway may hold it
}

// removeStale removes the pid file while it holds the gateway's lock, so that it does not remove the file of a gateway that is
// starting.
func removeStale(h profile.Home) (string, error) {
	lock, err := h.Files().TryLock(profile.LockName)
	if err != nil {
		return "", err
	}
	defer lock.Unlock()
	for _, name := range []string{profile.PIDName, profile.ProcessesName} {
		if err := h.Files().RemoveIfThere(name); err != nil {
			return "", err
		}
	}
	return "removed " + h.PIDFile(), nil
}
