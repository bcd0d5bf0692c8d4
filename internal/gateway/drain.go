package gateway

import (
	"syscall"
	"time"

	"hermes/internal/conversation"
	"hermes/internal/profile"
)

// breakOff is how long cancelled turns may take to save the part of the answer that they have.
const breakOff = 5 * time.Second

// drain stops new turns and waits for the running ones until they end, drain_timeout is over, or a second signal arrives. An
// idle gateway writes no draining state and does not wait.
func (g *gateway) drain(l *life) {
	defer l.counts.save()
	l.parts.drain()
	g.notify("STOPPING=1")
	active := l.turns.close()
	g.log.Info("draining", "active_turns", active)
	if active == 0 {
		return
	}
	g.state.set(profile.StateDraining, func(st *profile.State) { st.ActiveAgents = active })
	limit := l.config.Gateway.Drain()
	if g.takenOver() {
		limit = min(limit, takeoverDrain)
	}
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	for breaking := false; !breaking; {
		select {
		case <-l.turns.done:
			return
		case sig := <-g.signals:
			// The second SIGHUP does not count: when a terminal is closed, both the kernel and the shell may send one.
			if breaking = sig != syscall.SIGHUP; breaking {
				g.log.Warn("breaking off running turns", "cause", "second signal", "signal", sig.String())
			}
		case <-timeout.C:
			breaking = true
			g.log.Warn("breaking off running turns", "cause", "drain_timeout", "after", limit.String())
		}
	}
	l.cancel(conversation.ErrDraining)
	timeout.Reset(breakOff)
	select {
	case <-l.turns.done:
	case <-timeout.C:
		g.log.Error("turns did not end", "after", breakOff.String())
	}
}

// outcome says what kind of end the gateway has after its drain: nil if it was planned, ErrRestartRequested if the state file
// asks for a restart, and otherwise cause.
func (g *gateway) outcome(cause error) error {
	desired, restart := g.state.intent()
	switch {
	case g.takenOver():
		_ = g.o.Home.Files().Remove(profile.TakeoverName) // if this fails, the next gateway that takes the lock removes it (see sign)
		return nil
	case desired == profile.DesiredStopped:
		return nil
	case restart:
		return ErrRestartRequested
	}
	return cause
}

// end writes the last state: stopped after a planned end; otherwise running, so that the next boot starts this gateway again.
func (g *gateway) end(err error) {
	to := profile.StateRunning
	if err == nil {
		to = profile.StateStopped
	}
	g.state.set(to, func(st *profile.State) {
		st.PID = 0
		st.ActiveAgents = 0
		st.Platforms = nil
		st.RestartRequested = false
		st.ExitReason = "stopped"
		if err != nil {
			st.ExitReason = err.Error()
		}
	})
	g.log.Info("stopped", "reason", reasonOf(err), "state_left", string(to))
}

func reasonOf(err error) string {
	if err == nil {
		return "planned"
	}
	return err.Error()
}
