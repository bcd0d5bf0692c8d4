package gateway

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"hermes/internal/profile"
)

// stateFile writes gateway_state.json. It allows only the changes in the table of transitions.
type stateFile struct {
	home profile.Home
	log  *slog.Logger
}

// starting writes that this process starts. The gateway must not start after an error: if this file cannot be written, no other
// file in the home can be.
func (f stateFile) starting(argv []string) error {
	return profile.UpdateState(context.Background(), f.home, func(s *profile.State) error {
		s.Gateway = profile.StateStarting
		s.PID = os.Getpid()
		s.StartTime = time.Now().Unix()
		s.Kind = profile.KindGateway
		s.Argv = argv
		s.HermesHome = f.home.Dir
		s.ExitReason = ""
		s.RestartRequested = false
		s.ActiveAgents = 0
		s.Platforms = nil
		return nil
	})
}

// set changes the state and makes the changes of change with it. If the table does not allow the new state, it leaves the file
// as it is. It only logs refusals and failures: a gateway that can serve must not end because it cannot write its state.
func (f stateFile) set(to profile.GatewayState, change func(*profile.State)) {
	err := profile.UpdateState(context.Background(), f.home, func(s *profile.State) error {
		s.Gateway = to
		if change != nil {
			change(s)
		}
		return nil
	})
	var refused *profile.TransitionError
	switch {
	case errors.As(err, &refused):
		f.log.Warn("gateway state refused", "from", refused.From, "to", refused.To)
	case err != nil:
		f.log.Warn("cannot write the gateway's state", "state", to, "error", err)
	}
}

// intent reads what the operator asks for now: the desired state, and whether a restart is requested.
func (f stateFile) intent() (desired profile.DesiredState, restart bool) {
	s, err := profile.ReadState(f.home)
	if err != nil {
		f.log.Warn("cannot read the gateway's state", "error", err)
	}
	return s.Desired, s.RestartRequested
}
