package profile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// GatewayState is what a gateway is doing (contract "On disk").
type GatewayState string

// The gateway's states. StateNone stands for a gateway that never ran.
const (
	StateNone          GatewayState = ""
	StateStarting      GatewayState = "starting"
	StateRunning       GatewayState = "running"
	StateDegraded      GatewayState = "degraded"
	StateDraining      GatewayState = "draining"
	StateStopped       GatewayState = "stopped"
	StateStartupFailed GatewayState = "startup_failed"
)

// transitions is the gateway's state machine: from a state to those that may follow.
// Every state may be followed by itself, by starting, because a gateway can be killed in any, and by
// startup_failed, because a supervisor can give up on it in any. draining leads back to running when nobody
// planned the stop: the file must then say that the gateway is to come back (contract, below "On disk").
// A file that says nothing, because it was lost or set aside, may say anything next.
var transitions = map[GatewayState][]GatewayState{
	StateNone:          {StateRunning, StateDegraded, StateDraining, StateStopped},
	StateStarting:      {StateRunning, StateDegraded, StateDraining, StateStopped},
	StateRunning:       {StateDegraded, StateDraining, StateStopped},
	StateDegraded:      {StateRunning, StateDraining, StateStopped},
	StateDraining:      {StateRunning, StateStopped},
	StateStopped:       {},
	StateStartupFailed: {StateStopped},
}

// CanFollow reports whether the state machine allows to go from one state to the next.
func CanFollow(from, to GatewayState) bool {
	if _, known := transitions[to]; !known || to == StateNone {
		return false
	}
	return to == StateStarting || to == StateStartupFailed || to == from || slices.Contains(transitions[from], to)
}

// TransitionError reports a change of the gateway's state that the state machine does not allow. Nothing was written.
type TransitionError struct{ From, To GatewayState }

func (e *TransitionError) Error() string {
	return fmt.Sprintf("cannot change the gateway's state from %.40q to %.40q", e.From, e.To) // another tool's word may be of any length
}

// DesiredState is what the operator wants: running, stopped, or nothing said.
type DesiredState string

// The operator's intents.
const (
	DesiredUnset   DesiredState = ""
	DesiredRunning DesiredState = "running"
	DesiredStopped DesiredState = "stopped"
)

// KindGateway is the value of State.Kind in every file that this program writes.
const KindGateway = "hermes-gateway"

// State is the content of gateway_state.json. Other tools read it: the names are
// fixed, and fields that this program does not know survive a rewrite.
type State struct {
	Gateway   GatewayState `json:"gateway_state,omitempty"`
	Desired   DesiredState `json:"desired_state,omitempty"`
	PID       int          `json:"pid,omitempty"`
	StartTime int64        `json:"start_time,omitempty"` // seconds since the epoch
	Kind      string       `json:"kind,omitempty"`
	// Argv is the gateway's command line. It carries no secrets: they come from files.
	Argv             []string          `json:"argv,omitempty"`
	HermesHome       string            `json:"hermes_home,omitempty"`
	ExitReason       string            `json:"exit_reason,omitempty"`
	RestartRequested bool              `json:"restart_requested,omitempty"`
	ActiveAgents     int               `json:"active_agents"`
	Platforms        map[string]string `json:"platforms,omitempty"` // channel: its state
	UpdatedAt        time.Time         `json:"updated_at,omitzero"`

	extra map[string]json.RawMessage
	// written is the text of Platforms in the file, as long as they are what was read: platforms.
	written   json.RawMessage
	platforms map[string]string
}

// UnmarshalJSON keeps what it does not know. It also reads what hermes-agent writes, whose platforms are objects with a state,
// and whose start_time need not be whole.
func (s *State) UnmarshalJSON(data []byte) error {
	type plain State
	var p plain
	// The fields that differ hide those of the same name.
	read := struct {
		*plain
		StartTime json.Number              `json:"start_time"`
		Platforms map[string]platformState `json:"platforms"`
	}{plain: &p}
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	if read.StartTime != "" {
		seconds, err := read.StartTime.Float64()
		if err != nil || math.Abs(seconds) > 1<<53 {
			return errors.New("start_time is no number of seconds")
		}
		p.StartTime = int64(seconds)
	}
	if read.Platforms != nil {
		p.Platforms = make(map[string]string, len(read.Platforms))
		for name, state := range read.Platforms {
			p.Platforms[name] = string(state)
		}
		p.platforms = maps.Clone(p.Platforms)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	platforms := all["platforms"]
	// encoding/json takes Pid for pid: what was read under another spelling is not kept beside it.
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool {
		return slices.ContainsFunc(stateFields, func(known string) bool { return strings.EqualFold(known, name) })
	})
	p.extra = all
	if p.platforms != nil {
		p.written = platforms
	}
	*s = State(p)
	return nil
}

// MarshalJSON writes the known fields first, in their order, then the others.
func (s State) MarshalJSON() ([]byte, error) {
	type plain State
	var p any = plain(s)
	if len(s.written) > 0 && maps.Equal(s.Platforms, s.platforms) {
		p = struct {
			plain
			Platforms json.RawMessage `json:"platforms"`
		}{plain(s), s.written}
	}
	data, err := json.Marshal(p)
	if err != nil || len(s.extra) == 0 {
		return data, err
	}
	buf := bytes.NewBuffer(bytes.TrimSuffix(data, []byte("}")))
	for _, name := range slices.Sorted(maps.Keys(s.extra)) {
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(buf, ",%s:%s", key, s.extra[name])
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

// platformState is a channel's state: a text, or an object that has it.
type platformState string

func (p *platformState) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("{")) {
		var o struct {
			State string `json:"state"`
		}
		err := json.Unmarshal(data, &o)
		*p = platformState(o.State)
		return err
	}
	return json.Unmarshal(data, (*string)(p))
}

var stateFields = []string{
	"gateway_state", "desired_state", "pid", "start_time", "kind", "argv", "hermes_home", "exit_reason",
	"restart_requested", "active_agents", "platforms", "updated_at",
}

// maxStateFile bounds gateway_state.json: ours has under 2 kB.
const maxStateFile = 1 << 20

// ErrNoState reports that a profile has no gateway_state.json.
var ErrNoState = errors.New("no gateway_state.json")

// ReadState returns what gateway_state.json says. A missing file is ErrNoState;
// a file that cannot be read or parsed is an error that names it. It takes no
// lock: every write replaces the file atomically.
func ReadState(h Home) (State, error) {
	data, err := h.Files().ReadFile(StateName, maxStateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, ErrNoState
	}
	if err != nil {
		return State{}, fmt.Errorf("cannot read the gateway's state: %w", err)
	}
	var s State
	if err := json.Unmarshal(data, &s); err != nil {
		return State{}, fmt.Errorf("cannot parse %s: %w", h.StateFile(), err)
	}
	return s, nil
}

// stateLockWait is how long UpdateState waits for another writer. Writers hold the
// lock for one read and one rename.
const stateLockWait = 5 * time.Second

// UpdateState changes gateway_state.json under its lock: change gets the present
// content and edits it. A content that cannot be parsed is kept beside it, as
// gateway_state.json.corrupt, and change gets an empty State. A file that cannot be read
// now, for want of rights or because the disk fails, stays as it is and is the error: the
// operator's intent is in it. If change returns an
// error nothing is written and the error is returned as it is; if it changes the gateway's
// state as the state machine does not allow, nothing is written and the error is *TransitionError.
func UpdateState(ctx context.Context, h Home, change func(*State) error) error {
	ctx, cancel := context.WithTimeout(ctx, stateLockWait)
	defer cancel()
	lock, err := h.Files().WaitLock(ctx, stateLockName)
	if err != nil {
		return fmt.Errorf("cannot update the gateway's state: %w", err)
	}
	defer lock.Unlock()

	s, err := ReadState(h)
	var unread *fs.PathError
	if errors.As(err, &unread) {
		return fmt.Errorf("cannot update the gateway's state: %w", unread)
	}
	if err != nil && !errors.Is(err, ErrNoState) {
		if rerr := h.Files().SetAside(StateName, StateName+".corrupt", maxStateFile); rerr != nil {
			return fmt.Errorf("%w (and cannot move it aside: %w)", err, rerr)
		}
		s = State{}
	}
	from := s.Gateway
	if err := change(&s); err != nil {
		return err
	}
	if s.Gateway != from && !CanFollow(from, s.Gateway) {
		return &TransitionError{from, s.Gateway}
	}
	s.UpdatedAt = time.Now().UTC().Truncate(time.Millisecond)
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot encode the gateway's state: %w", err)
	}
	if err := h.Files().WriteFile(StateName, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("cannot update the gateway's state: %w", err)
	}
	return nil
}

// SetDesired records the operator's intent.
func SetDesired(ctx context.Context, h Home, d DesiredState) error {
	return UpdateState(ctx, h, func(s *State) error {
		s.Desired = d
		return nil
	})
}
