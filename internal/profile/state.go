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

// The states of a gateway. StateNone means that the gateway has never run.
const (
	StateNone          GatewayState = ""
	StateStarting      GatewayState = "starting"
	StateRunning       GatewayState = "running"
	StateDegraded      GatewayState = "degraded"
	StateDraining      GatewayState = "draining"
	StateStopped       GatewayState = "stopped"
	StateStartupFailed GatewayState = "startup_failed"
)

// transitions is the gateway's state machine: for each state, the states that may follow it. Three states may follow any state and
// are not in the table: the same state; starting, because a gateway can be killed at any time; and startup_failed, because a
// supervisor can give up at any time. draining leads back to running if nobody planned the stop: then the file must say that the
// gateway has to come back (contract, below "On disk"). After a file without a state, which may be new or have been set aside, any
// state may follow.
var transitions = map[GatewayState][]GatewayState{
	StateNone:          {StateRunning, StateDegraded, StateDraining, StateStopped},
	StateStarting:      {StateRunning, StateDegraded, StateDraining, StateStopped},
	StateRunning:       {StateDegraded, StateDraining, StateStopped},
	StateDegraded:      {StateRunning, StateDraining, StateStopped},
	StateDraining:      {StateRunning, StateStopped},
	StateStopped:       {},
	StateStartupFailed: {StateStopped},
}

// CanFollow reports whether the state machine allows a change from one state to another.
func CanFollow(from, to GatewayState) bool {
	if _, known := transitions[to]; !known || to == StateNone {
		return false
	}
	return to == StateStarting || to == StateStartupFailed || to == from || slices.Contains(transitions[from], to)
}

// TransitionError reports a change that the state machine does not allow. Nothing was written.
type TransitionError struct{ From, To GatewayState }

func (e *TransitionError) Error() string {
	return fmt.Sprintf("cannot change the gateway's state from %.40q to %.40q", e.From, e.To) // another tool may have written a long word
}

// DesiredState is what the operator wants: running, stopped, or DesiredUnset.
type DesiredState string

// The states that an operator can want.
const (
	DesiredUnset   DesiredState = ""
	DesiredRunning DesiredState = "running"
	DesiredStopped DesiredState = "stopped"
)

// KindGateway is the value of State.Kind in every file that this program writes.
const KindGateway = "hermes-gateway"

// State is the content of gateway_state.json. Other tools read it, so the names are fixed. Fields that this program does not know
// survive a rewrite.
type State struct {
	Gateway   GatewayState `json:"gateway_state,omitempty"`
	Desired   DesiredState `json:"desired_state,omitempty"`
	PID       int          `json:"pid,omitempty"`
	StartTime int64        `json:"start_time,omitempty"` // in seconds since 1970
	Kind      string       `json:"kind,omitempty"`
	// Argv is the gateway's command line. It contains no secrets, because those come from files.
	Argv             []string          `json:"argv,omitempty"`
	HermesHome       string            `json:"hermes_home,omitempty"`
	ExitReason       string            `json:"exit_reason,omitempty"`
	RestartRequested bool              `json:"restart_requested,omitempty"`
	ActiveAgents     int               `json:"active_agents"`
	Platforms        map[string]string `json:"platforms,omitempty"` // the channels' states, by channel
	UpdatedAt        time.Time         `json:"updated_at,omitzero"`

	extra map[string]json.RawMessage
	// written is the text of Platforms in the file that was read, and platforms is its content. If Platforms has not changed,
	// written is written again.
	written   json.RawMessage
	platforms map[string]string
}

// UnmarshalJSON keeps fields that it does not know. It also reads the file of hermes-agent, in which each platform is an object with
// a state, and start_time need not be a whole number.
func (s *State) UnmarshalJSON(data []byte) error {
	type plain State
	var p plain
	// These fields have other types and hide the fields of the same name in plain.
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
	// encoding/json also reads Pid as pid. A known field in another spelling must not be kept a second time among the unknown ones.
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

// MarshalJSON writes the known fields in their order, and then the unknown ones.
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

// platformState is a channel's state. In the file it is a text, or an object with a field state.
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

// maxStateFile limits the size of gateway_state.json, which has under 2 kB if we wrote it.
const maxStateFile = 1 << 20

// ErrNoState reports that a profile has no gateway_state.json.
var ErrNoState = errors.New("no gateway_state.json")

// ReadState reads gateway_state.json. If the file is missing, it returns ErrNoState; if the file cannot be read or parsed, the error
// names it. It takes no lock, because every write replaces the file atomically.
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

// stateLockWait is how long UpdateState waits for another writer, which holds the lock for one read and one rename.
const stateLockWait = 5 * time.Second

// UpdateState changes gateway_state.json under its lock. It passes the present content to change, which edits it. If the content
// cannot be parsed, UpdateState renames the file to gateway_state.json.corrupt and passes an empty State. If the file cannot be
// read, for want of rights or because the disk fails, it returns that error and leaves the file as it is, because the operator's
// intent is in it. If change returns an error, nothing is written and UpdateState returns that error unchanged. If change makes a
// transition that the state machine does not allow, nothing is written and the error is *TransitionError.
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

// SetDesired records what the operator wants.
func SetDesired(ctx context.Context, h Home, d DesiredState) error {
	return UpdateState(ctx, h, func(s *State) error {
		s.Desired = d
		return nil
	})
}
