package doctor

import (
	"context"
	"errors"
	"fmt"

	"hermes/internal/profile"
	"hermes/internal/service"
)

// checkSlots compares the profiles on the volume with the services that the manager has.
func checkSlots(ctx context.Context, e *examination) []Finding {
	if e.Manager == nil || !e.Manager.SupportsRegistration() {
		return nil
	}
	all, err := e.Manager.List(ctx)
	if err != nil {
		return []Finding{{Severity: Error, What: err.Error(), Mend: "see that " + e.Scandir + " can be read"}}
	}
	status := map[service.ID]service.Status{}
	for _, st := range all {
		status[st.ID] = st
	}
	entries, err := e.Store.List()
	if err != nil {
		return nil // the profile check reports it; a profile that cannot be listed may still exist
	}
	present := map[string]bool{}
	var found []Finding
	for _, en := range entries {
		present[en.Label] = true
		if en.Err != nil {
			continue
		}
		id := service.Gateway(en.Home.Name)
		if _, ok := status[id]; !ok {
			found = append(found, e.noSlot(en.Home))
		} else if s, ok := e.Manager.(attended); ok && !s.Supervised(id) {
			found = append(found, Finding{Severity: Error, Profile: en.Label, What: fmt.Sprintf("slot '%s' has no supervisor that takes commands", id),
				Mend: "restart the container; `docker logs` may say why s6-supervise does not run"})
		}
	}
	for _, st := range all {
		if n, ok := st.ID.Profile(); ok && !present[n.String()] {
			found = append(found, e.noProfile(n, st))
		}
	}
	return found
}

// attended is a manager that has a supervisor for each service.
type attended interface {
	Supervised(id service.ID) bool
}

func (e *examination) noSlot(h profile.Home) Finding {
	return Finding{
		Severity: Warning, Profile: h.Name.String(), What: fmt.Sprintf("profile '%s' has no slot: the supervisor does not know it", h.Name),
		Mend: command(h.Name, "gateway start") + " makes one and starts it; `hermes doctor --fix` makes one that is down",
		fix: func(ctx context.Context) (string, error) {
			return fmt.Sprintf("registered the slot of '%s', down", h.Name), e.Manager.Register(ctx, service.GatewaySpec(h))
		},
	}
}

func (e *examination) noProfile(n profile.Name, st service.Status) Finding {
	f := Finding{
		Severity: Warning, Profile: n.String(), What: fmt.Sprintf("slot '%s' has no profile: %s is gone", st.ID, e.Store.Home(n).Dir),
		Mend: "`hermes doctor --fix` removes the slot",
	}
	if st.Up || st.WantUp {
		f.Severity = Error
		f.What += fmt.Sprintf(", and its gateway is up or wanted up (pid %d)", st.PID)
		f.Mend = command(n, "gateway stop") + ", then `hermes doctor --fix`"
		return f
	}
	f.fix = func(ctx context.Context) (string, error) {
		now, err := e.Manager.Status(ctx, st.ID)
		if err != nil {
			return "", err
		}
		var missing *profile.NotFoundError
		if _, err := e.Store.Get(n); now.Up || now.WantUp || !errors.As(err, &missing) {
			return "", fmt.Errorf("slot '%s' is in use again", st.ID)
		}
		return fmt.Sprintf("removed the slot '%s'", st.ID), e.Manager.Unregister(ctx, st.ID)
	}
	return f
}
