package hosted

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"hermes/internal/profile"
)

// AwaitState calls look now and whenever a gateway has written its state, until it is done; once with late at the deadline. It
// is for managers that know no readiness: the gateway's own word is all there is.
func AwaitState(ctx context.Context, h profile.Home, deadline time.Time, look func(s profile.State, late bool) (bool, error)) error {
	w, err := fsnotify.NewWatcher()
	if err == nil {
		defer w.Close()
		err = w.Add(h.Dir)
	}
	if err != nil {
		return fmt.Errorf("cannot watch %s: %w", h.Dir, err)
	}
	timeout := time.NewTimer(time.Until(deadline))
	defer timeout.Stop()
	for late := false; ; {
		s, _ := profile.ReadState(h) // one that cannot be read says nothing
		if done, err := look(s, late); done || late || err != nil {
			return err
		}
	events:
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-timeout.C:
				late = true
				break events
			case e, ok := <-w.Events:
				if !ok || filepath.Base(e.Name) == filepath.Base(h.StateFile()) {
					break events
				}
			case err := <-w.Errors:
				if err != nil { // events were lost
					break events
				}
			}
		}
	}
}

// Serves reports whether the gateway with this pid says that it serves.
func Serves(s profile.State, pid int) bool {
	return pid != 0 && s.PID == pid && (s.Gateway == profile.StateRunning || s.Gateway == profile.StateDegraded)
}
