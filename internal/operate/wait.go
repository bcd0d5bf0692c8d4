package operate

import (
	"time"

	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/service"
	"hermes/internal/service/restart"
)

const (
	// readyWithin is how long a gateway may take from its start until it is ready. It takes tens of milliseconds on an idle
	// machine; a machine that starts a thousand of them at once is slow.
	readyWithin = 30 * time.Second
	// downWithin is how long at least a stop is waited for, even if the gateway is killed much earlier: on a busy machine the end of a
	// killed process takes time too.
	downWithin = 30 * time.Second
)

// WaitFor returns how long an action is waited for where nobody says otherwise. Before a gateway is down its running turns may take
// gateway.drain_timeout to finish; then it is killed. A restart takes that long and then as long as a start.
func WaitFor(a Action, h profile.Home) time.Duration {
	return waitFor(a, service.GatewaySpec(h).KillAfter)
}

// WaitByDefault is WaitFor for a gateway whose configuration says nothing about it.
func WaitByDefault(a Action) time.Duration {
	return waitFor(a, config.DefaultDrainTimeout+restart.KillMargin)
}

func waitFor(a Action, killAfter time.Duration) time.Duration {
	switch a {
	case Stop:
		return max(downWithin, killAfter+restart.StopMargin)
	case Restart:
		return killAfter + readyWithin
	}
	return readyWithin
}
