package operate

import (
	"context"
	"fmt"
	"time"

	"hermes/internal/profile"
)

// Action is what can be done with a gateway that exists.
type Action string

// The actions.
const (
	Start   Action = "start"
	Stop    Action = "stop"
	Restart Action = "restart"
)

// Outcome says what a gateway is when the action is over, such as "is ready".
func (a Action) Outcome() string {
	switch a {
	case Start:
		return "is ready"
	case Stop:
		return "is down"
	case Restart:
		return "is ready again"
	}
	return ""
}

// Past is the word for what was done to several gateways, such as "stopped".
func (a Action) Past() string {
	switch a {
	case Start:
		return "started"
	case Stop:
		return "stopped"
	case Restart:
		return "restarted"
	}
	return ""
}

// Act starts, stops or restarts a gateway, and waits as long as l.Wait says. Errors are those of Start, Stop and Restart.
func (l Lifecycle) Act(ctx context.Context, a Action, n profile.Name) error {
	wait := l.waitFor(a, n)
	switch a {
	case Start:
		return l.Start(ctx, n, wait)
	case Stop:
		return l.Stop(ctx, n, wait)
	case Restart:
		return l.Restart(ctx, n, wait)
	}
	return fmt.Errorf("unknown action %q", a)
}

func (l Lifecycle) waitFor(a Action, n profile.Name) time.Duration {
	h := l.Store.Home(n)
	if l.Wait != nil {
		return l.Wait(a, h)
	}
	return WaitFor(a, h)
}
