package doctor

import (
	"context"
	"fmt"

	"hermes/internal/profile"
	"hermes/internal/service"
)

// checkGateways looks for gateways that gave up, that are down though they are wanted, and for what dead ones left.
func checkGateways(ctx context.Context, e *examination) []Finding {
	status := map[service.ID]service.Status{}
	if e.Manager != nil {
		if all, err := e.Manager.List(ctx); err == nil { // else the slot check tells
			for _, st := range all {
				status[st.ID] = st
			}
		}
	}
	var found []Finding
	for _, h := range e.homes() {
		st, known := status[service.Gateway(h.Name)]
		if s, err := profile.ReadState(h); err == nil {
			if f, ok := e.gaveUp(h, s, st, known); ok {
				found = append(found, f)
			}
		}
		if f, ok := stalePID(h); ok {
			found = append(found, f)
		}
	}
	return found
}

func (e *examination) gaveUp(h profile.Home, s profile.State, st service.Status, known bool) (Finding, bool) {
	f := Finding{Severity: Error, Profile: h.Name.String()}
	switch {
	case st.Up && st.Ready:
		return f, false
	case s.Gateway == profile.StateStartupFailed:
		f.What = fmt.Sprintf("gateway '%s' is not started any more", h.Name)
		f.Mend = "mend that, then " + e.again(h.Name)
	case known && s.Desired == profile.DesiredRunning && !st.WantUp:
		f.Severity = Warning
		f.What = fmt.Sprintf("gateway '%s' is to run, but the supervisor keeps it down", h.Name)
		f.Mend = command(h.Name, "gateway start") + ", or " + command(h.Name, "gateway stop") + " if it is to stay down"
	default:
		return f, false
	}
	if s.ExitReason != "" {
		f.What += ": " + s.ExitReason
	}
	return f, true
}

// stalePID finds the pid file of a gateway that no longer lives.
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

// held reports whether a gateway holds the profile's lock. It makes no lock file.
func held(h profile.Home) bool {
	if _, err := h.Files().Lstat(profile.LockName); err != nil {
		return false
	}
	lock, err := h.Files().TryLock(profile.LockName)
	if err == nil {
		lock.Unlock()
	}
	return err != nil // one that cannot be asked for may well be held
}

// removeStale holds the gateway's lock meanwhile, so that it cannot be the file of one that starts now.
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
