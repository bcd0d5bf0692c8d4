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

// untold reports whether g failed since old, or before, and no step has told it yet. The supervisor may write a failure down before it
// says that the process is gone, or after that, while it decides what follows: either way it is no step, and the next step tells it.
func untold(old, g *Gateway) bool {
	return old != nil && !g.LastFailure.IsZero() && (old.untold || old.LastFailure != g.LastFailure)
}

// changed tells which step brought a gateway to where it is. The first look after a start of this process is a step only
// if the history ends elsewhere.
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
