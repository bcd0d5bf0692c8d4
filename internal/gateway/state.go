package gateway

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"hermes/internal/profile"
)

// stateFile writes gateway_state.json, as the table of transitions allows.
type stateFile struct {
	home profile.Home
	log  *slog.Logger
}

// starting says that a new process is at it. Its error is a reason not to start: where
// this cannot be written, nothing can.
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

// set goes to a state and makes other changes with it, or, where the table does not allow that state, leaves the file as it is.
// A gateway that can serve does not end because it cannot say so: refusals and failures are logged.
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

// intent reads what the operator wants now.
func (f stateFile) intent() (desired profile.DesiredState, restart bool) {
	s, err := profile.ReadState(f.home)
	if err != nil {
		f.log.Warn("cannot read the gateway's state", "error", err)
	}
	return s.Desired, s.RestartRequested
}
