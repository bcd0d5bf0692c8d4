package boot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"hermes/internal/container"
	"hermes/internal/profile"
	"hermes/internal/profile/ports"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
)

// Outcome is what a boot did with one profile.
type Outcome struct {
	Profile    string `json:"profile"` // the directory's name, even if it is not a valid profile name
	PriorState string `json:"prior_state"`
	Action     Action `json:"action"`
	Reason     string `json:"reason,omitempty"`
}

// Slots is where a boot writes the services.
type Slots interface {
	Write(service.Spec) (created bool, err error)
}

// Reconcile writes the slot of every profile, starts the gateways that were running, and writes the boot log (M9). If something is
// wrong with one profile, its outcome has the reason, and the others go on. With dryRun it only decides. The error is about all
// profiles; the outcomes are valid even then.
func Reconcile(store *profile.Store, slots Slots, getenv func(string) string, dryRun bool) ([]Outcome, error) {
	var problems []error
	if !dryRun {
		if _, err := provision.Seed(context.Background(), store, profile.Default()); err != nil {
			problems = append(problems, err)
		}
	}
	entries, err := store.List()
	if err != nil {
		problems = append(problems, err)
	}
	g := &guard{files: store.Files()} // a dry run writes nothing
	var given map[profile.Name]ports.Assignment
	if !dryRun {
		g = newGuard(store)
		// Assign the ports before there are slots, so that a gateway knows its port when it first starts.
		o := ports.Options{Skip: func(n profile.Name) bool { return g.skip(n.String()) != "" }}
		if g.careful {
			o.Reading = func(n profile.Name) { g.working(n.String()) }
		}
		if given, err = ports.AssignAll(context.Background(), store, getenv, o); err != nil {
			problems = append(problems, err)
		}
	}
	var outcomes []Outcome
	for _, e := range entries {
		o := Outcome{Profile: e.Label, PriorState: "unknown", Action: Skipped, Reason: g.skip(e.Label)}
		switch {
		case o.Reason != "":
		case e.Err != nil:
			o.Reason = e.Err.Error()
		default:
			g.working(e.Label)
			o = reconcileOne(e.Home, slots, getenv, dryRun)
			o.Reason = cmp.Or(o.Reason, portTrouble(given[e.Home.Name]))
		}
		outcomes = append(outcomes, o)
	}
	if !dryRun {
		g.done()
	}
	if dryRun {
		return outcomes, errors.Join(problems...)
	}
	dashboard := service.Spec{ID: service.Dashboard(), Up: container.Strict(getenv("HERMES_DASHBOARD"))}
	if _, err := slots.Write(dashboard); err != nil {
		problems = append(problems, err)
	}
	if err := writeBootLog(store.Files().Sub("logs"), time.Now(), outcomes); err != nil {
		problems = append(problems, err)
	}
	return outcomes, errors.Join(problems...)
}

// portTrouble returns why a gateway may not get its port, or "".
func portTrouble(a ports.Assignment) string {
	switch {
	case a.Err != nil:
		return a.Err.Error()
	case a.Shared != "":
		return fmt.Sprintf("its port %d is also that of profile '%s'", a.Port, a.Shared)
	}
	return ""
}

func reconcileOne(h profile.Home, slots Slots, getenv func(string) string, dryRun bool) Outcome {
	action, prior, reason := decideFor(h, getenv("HERMES_GATEWAY_BOOTSTRAP_STATE"))
	o := Outcome{Profile: h.Name.String(), PriorState: prior, Action: action, Reason: reason}
	if dryRun {
		return o
	}
	if _, running := profile.RunningPID(h); running {
		// The gateway's supervisor was killed and the gateway lives. The next gateway replaces it, and for that needs its pid file.
		return register(h, slots, o)
	}
	// No process of the former run lives any more.
	for _, stale := range []string{profile.PIDName, profile.ProcessesName, profile.TakeoverName} {
		if !h.Files().Exists(stale) {
			continue // on a read-only file system the removal of a missing file fails too
		}
		if err := h.Files().RemoveIfThere(stale); err != nil {
			o.Reason = fmt.Sprintf("cannot remove a stale file: %v", err)
		}
	}
	return register(h, slots, o)
}

// register writes the slot for an outcome.
func register(h profile.Home, slots Slots, o Outcome) Outcome {
	spec := service.GatewaySpec(h)
	spec.Up = o.Action == Started
	if _, err := slots.Write(spec); err != nil {
		return Outcome{Profile: o.Profile, PriorState: o.PriorState, Action: Skipped, Reason: err.Error()}
	}
	return o
}
