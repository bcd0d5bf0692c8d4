package operate

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"hermes/internal/profile"
	"hermes/internal/service"
)

// maxAtOnce bounds how many gateways a command for all of them handles at a time. Most of the time is
// spent waiting for processes to end or to begin.
const maxAtOnce = 16

// Result is what a command for all gateways came to for one of them.
type Result struct {
	Profile profile.Name `json:"profile"`
	// Skipped says why nothing was done; "" if something was.
	Skipped string `json:"skipped,omitempty"`
	Err     error  `json:"-"`
}

// All stops every registered gateway, so that each stays down, or restarts every one but those that the operator stopped, which stay
// down (M8). each is called, one call at a time, as results come in. The error is about the list of gateways, not about any of them.
func (l Lifecycle) All(ctx context.Context, a Action, each func(Result)) error {
	return l.all(ctx, each, func(st service.Status, n profile.Name) Result {
		if a != Stop && l.unwanted(st, n) {
			return Result{Profile: n, Skipped: "not wanted up"}
		}
		return Result{Profile: n, Err: l.Act(ctx, a, n)}
	})
}

// unwanted reports whether a gateway is down because it is to be.
func (l Lifecycle) unwanted(st service.Status, n profile.Name) bool {
	s, err := profile.ReadState(l.Store.Home(n))
	return !st.WantUp && (err == nil && s.Desired == profile.DesiredStopped || errors.Is(err, profile.ErrNoState))
}

func (l Lifecycle) all(ctx context.Context, each func(Result), act func(service.Status, profile.Name) Result) error {
	list, err := l.Manager.List(ctx)
	if err != nil {
		return fmt.Errorf("cannot list the gateways: %w", err)
	}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(maxAtOnce)
	for _, st := range list {
		n, ok := st.ID.Profile()
		if !ok {
			continue
		}
		g.Go(func() error {
			r := act(st, n)
			mu.Lock()
			defer mu.Unlock()
			each(r)
			return nil
		})
	}
	return g.Wait()
}
