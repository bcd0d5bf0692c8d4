package fleet

import (
	"maps"
	"time"
)

// same reports whether two gateways look the same, but for their memory.
func same(a, b *Gateway) bool {
	x, y := a.View, b.View
	channels := maps.Equal(x.Channels, y.Channels)
	return channels && a.Since.Equal(b.Since) && a.Memory == b.Memory && a.Counters == b.Counters && a.GiveUps == b.GiveUps &&
		x.State == y.State && x.Ready == y.Ready && x.Desired == y.Desired && x.PID == y.PID && x.Restarts == y.Restarts &&
		x.LastExit == y.LastExit && x.LastFailure == y.LastFailure && x.Reason == y.Reason && x.Hint == y.Hint && x.Port == y.Port && x.ActiveTurns == y.ActiveTurns &&
		x.Manager == y.Manager && x.LogFile == y.LogFile
}

// untold reports whether g has a failure that no recorded step names yet. The supervisor may write a failure down before it says that the
// process is gone, or later, when it has decided what follows. At such a moment the gateway's state does not change, so there is no step
// to record: the next step names the failure.
func untold(old, g *Gateway) bool {
	return old != nil && !g.LastFailure.IsZero() && (old.untold || old.LastFailure != g.LastFailure)
}

// changed returns the step that brought a gateway to its present state, and whether there was one. At the first look after a start of
// this process there was one only if the history ends in another state.
func changed(old, g *Gateway, history []Change) (Change, bool) {
	c := Change{Time: time.Now().UTC().Truncate(time.Millisecond), Profile: g.Profile, To: g.State, PID: g.PID, Reason: g.Reason}
	died := untold(old, g) || old == nil && len(history) > 0 && g.LastFailure.Time.After(history[len(history)-1].Time)
	if died && c.Reason == "" {
		c.Reason = g.LastFailure.How()
	}
	switch {
	case old != nil:
		c.From = old.State
		// A gateway that died and was back before anybody looked has another process.
		return c, old.State != g.State || old.PID != g.PID && g.PID != 0
	case len(history) > 0:
		c.From = history[len(history)-1].To
		return c, c.From != g.State || history[len(history)-1].PID != g.PID && g.PID != 0
	}
	return c, true
}

func sameText(a, b error) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Error() == b.Error()
}
