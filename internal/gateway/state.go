package gateway

import (
	"context"
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

// set goes to a state and makes other changes with it. A gateway that can serve does not
// end because it cannot say so: failures are logged. It returns the content as it was before.
func (f stateFile) set(to profile.GatewayState, change func(*profile.State)) (before profile.State) {
	err := profile.UpdateState(context.Background(), f.home, func(s *profile.State) error {
		before = *s
		if profile.CanFollow(s.Gateway, to) {
			s.Gateway = to
		} else {
			f.log.Warn("gateway state refused", "from", s.Gateway, "to", to)
		}
		if change != nil {
			change(s)
		}
		return nil
	})
	if err != nil {
		f.log.Warn("cannot write the gateway's state", "state", to, "error", err)
	}
	return before
}

// intent reads what the operator wants now.
func (f stateFile) intent() (desired profile.DesiredState, restart bool) {
	s, err := profile.ReadState(f.home)
	if err != nil {
		f.log.Warn("cannot read the gateway's state", "error", err)
	}
	return s.Desired, s.RestartRequested
}
