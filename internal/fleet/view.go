package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hermes/internal/environment"
	"hermes/internal/process"
	"hermes/internal/profile"
	"hermes/internal/profile/ports"
	"hermes/internal/service"
)

// View is what people and programs are shown of a gateway: what the manager knows, joined with
// what the gateway wrote about itself.
type View struct {
	Profile profile.Name         `json:"profile"`
	Manager string               `json:"manager"`
	State   string               `json:"state"`
	Ready   bool                 `json:"ready"`
	Desired profile.DesiredState `json:"desired_state,omitempty"`
	PID     int                  `json:"pid,omitempty"`
	// Uptime is for how long the process has been up, in seconds.
	Uptime float64 `json:"uptime_seconds,omitempty"`
	// Restarts since its slot was made, or since it was last started by hand; -1 if unknown.
	Restarts int `json:"restarts"`
	// LastExit tells how the last run ended, if the gateway is down.
	LastExit string `json:"last_exit,omitempty"`
	// LastFailure is how a run failed last since the gateway was last started by hand, also if it runs again.
	LastFailure service.Death `json:"last_failure,omitzero"`
	// Reason is the gateway's own word on why it failed or ended.
	Reason string `json:"reason,omitempty"`
	// Hint is the command that helps, if the gateway stays down though it is to run.
	Hint string `json:"hint,omitempty"`
	Port int    `json:"port,omitempty"`
	// Memory is the proportional set size in bytes (PSS), exactly from Measure and about from MeasureAll; 0 if it cannot be read.
	Memory  int64  `json:"memory_bytes,omitempty"`
	LogFile string `json:"log_file"`
	// Channels tells the state of each channel of a running gateway, by its name.
	Channels map[string]string `json:"channels,omitempty"`
	// ActiveTurns is how many turns a running gateway is at.
	ActiveTurns int `json:"active_turns,omitempty"`

	up bool // the manager's word
}

// Measure reads how much memory the gateway uses. It is a step of its own: the kernel walks through all pages of
// the process, a third of a millisecond.
func (v *View) Measure() {
	if v.Up() {
		v.Memory = process.PSS(v.PID)
	}
}

// Trouble is the reason for which a gateway stays down though it is to run, and what helps; "" if there is none.
func (v View) Trouble() string {
	if v.Reason == "" || v.Hint == "" {
		return v.Reason + v.Hint
	}
	return v.Reason + "; " + v.Hint
}

// Remark returns what to say about a gateway beside its state: its trouble, or else how it failed last, or "".
func (v View) Remark() string {
	if v.Reason != "" || v.Hint != "" || v.LastFailure.IsZero() {
		return v.Trouble()
	}
	return v.LastFailure.String()
}

// Up reports whether the gateway's process runs.
func (v View) Up() bool { return v.up || v.PID != 0 }

// Look returns the view of one profile's gateway, without its memory (see Measure). m is nil where no manager is in charge.
// An error is about the manager. If the profile's files cannot be read, the view has what the manager knows.
func Look(ctx context.Context, m service.Manager, h profile.Home, container bool) (View, error) {
	if m == nil {
		v := base(h, service.ManagerName(service.KindNone, container))
		v.unmanaged(h)
		return v, nil
	}
	st, err := m.Status(ctx, service.Gateway(h.Name))
	var loose *service.NotInstalledError
	if errors.As(err, &loose) {
		return Look(ctx, nil, h, container)
	}
	if err != nil {
		return View{}, err
	}
	if st, err = service.WithDeaths(ctx, m, st); err != nil {
		return View{}, err
	}
	return FromStatus(st, h, nameOf(m, st.ID, container)), nil
}

// nameOf names the manager of a service (M13).
func nameOf(m service.Manager, id service.ID, container bool) string {
	if i, ok := m.(service.Installer); ok && i.Installed(id) {
		return i.Name(id)
	}
	if m == nil {
		return service.ManagerName(service.KindNone, container)
	}
	return service.ManagerName(m.Kind(), container)
}

// FromStatus joins a manager's status with the files of the profile.
func FromStatus(st service.Status, h profile.Home, manager string) View {
	v := base(h, manager)
	v.up = st.Up
	v.PID, v.Ready, v.LastExit, v.Restarts, v.LastFailure = st.PID, st.Ready, st.LastExit(), st.Restarts, st.LastFailure
	s, err := profile.ReadState(h)
	if err != nil && !errors.Is(err, profile.ErrNoState) {
		v.Reason = err.Error()
	}
	v.Desired = s.Desired
	v.State = stateWord(st, s.Gateway)
	if st.Up {
		v.Uptime = st.For.Seconds()
		v.Channels, v.ActiveTurns = s.Platforms, s.ActiveAgents
	}
	if !st.Ready && v.Reason == "" {
		v.Reason = s.ExitReason
	}
	if st.GaveUp != "" {
		v.Reason = st.GaveUp
		if s.ExitReason != "" {
			v.Reason += ": " + s.ExitReason
		}
	}
	if v.State == string(profile.StateStartupFailed) {
		v.Hint = fmt.Sprintf("`%s` tries again", service.StartCommand(h.Name))
	}
	return v
}

func base(h profile.Home, manager string) View {
	v := View{Profile: h.Name, Manager: manager, State: string(profile.StateStopped), Restarts: -1, LogFile: h.LogDir() + "/current"}
	if e, err := ports.EndpointOf(h, environment.Get); err == nil {
		v.Port = e.Port
	}
	return v
}

// stateWord is the state as people see it. What the supervisor says comes first, because it is never stale; the state file comes second.
func stateWord(st service.Status, file profile.GatewayState) string {
	switch {
	case st.Backoff:
		return "backoff"
	case st.Up && st.Ready && (file == profile.StateDegraded || file == profile.StateDraining):
		return string(file)
	case st.Up && st.Ready:
		return string(profile.StateRunning)
	case st.Up || st.WantUp:
		return string(profile.StateStarting)
	case st.GaveUp != "":
		return string(profile.StateStartupFailed)
	case file == profile.StateStartupFailed:
		return string(file)
	}
	return string(profile.StateStopped)
}

func (v *View) unmanaged(h profile.Home) {
	pid, running := profile.RunningPID(h)
	s, err := profile.ReadState(h)
	if err != nil && !errors.Is(err, profile.ErrNoState) {
		v.Reason = err.Error()
	}
	v.Desired, v.LogFile = s.Desired, ""
	if !running {
		if s.Gateway == profile.StateStartupFailed {
			v.State = string(s.Gateway)
		}
		v.Reason = s.ExitReason
		return
	}
	v.PID, v.State = pid, string(s.Gateway)
	v.Ready = s.Gateway == profile.StateRunning || s.Gateway == profile.StateDegraded
	if s.StartTime > 0 {
		v.Uptime = time.Since(time.Unix(s.StartTime, 0)).Seconds()
	}
	v.Channels, v.ActiveTurns = s.Platforms, s.ActiveAgents
}

// LookAll returns the views of all usable profiles, by name, the default one first, and what
// in the profiles directory cannot be used. Their memory is left out: see MeasureAll.
func LookAll(ctx context.Context, m service.Manager, store *profile.Store, container bool) (views []View, broken []profile.Entry, err error) {
	entries, err := store.List()
	if err != nil {
		return nil, nil, err
	}
	status := map[service.ID]service.Status{}
	if m != nil {
		all, err := m.List(ctx)
		if err != nil {
			return nil, nil, err
		}
		for _, st := range all {
			status[st.ID] = st
		}
	}
	usable := make([]profile.Home, 0, len(entries))
	for _, e := range entries {
		if e.Err != nil {
			broken = append(broken, e)
			continue
		}
		usable = append(usable, e.Home)
	}
	views = make([]View, len(usable))
	service.Parallel(len(usable), func(i int) {
		h := usable[i]
		id := service.Gateway(h.Name)
		st, registered := status[id]
		manager := nameOf(m, id, container)
		switch {
		case registered:
			views[i] = FromStatus(st, h, manager)
		case m == nil || !m.SupportsRegistration():
			views[i] = base(h, service.ManagerName(service.KindNone, container))
			views[i].unmanaged(h)
		default: // made without our commands: the first start gives it its slot
			views[i] = FromStatus(service.Status{ID: id, ExitCode: -1, Restarts: -1}, h, manager)
		}
	})
	return views, broken, nil
}

// MeasureAll reads about how much memory each gateway uses: its own, and its part of the program, which all of them share.
func MeasureAll(views []View) {
	all := make([]*View, len(views))
	for i := range views {
		all[i] = &views[i]
	}
	MeasureEach(all)
}

// MeasureEach is MeasureAll for views that are kept in other places.
func MeasureEach(views []*View) {
	shared := make([]int64, len(views))
	service.Parallel(len(views), func(i int) {
		if views[i].Memory = 0; views[i].Up() {
			views[i].Memory, shared[i] = process.Resident(views[i].PID)
		}
	})
	var sharers int64
	for _, v := range views {
		if v.Memory > 0 {
			sharers++
		}
	}
	for i, v := range views {
		if v.Memory > 0 {
			v.Memory += shared[i] / sharers
		}
	}
}
