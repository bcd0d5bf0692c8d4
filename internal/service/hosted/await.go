package hosted

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"hermes/internal/profile"
)

// AwaitState calls look once at the beginning and whenever the gateway has written its state, until look says that it is done. At
// the deadline it calls look a last time, with late. It is for managers that do not know when a service is ready, so that they have
// only the gateway's state file.
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
		s, _ := profile.ReadState(h) // a state that cannot be read counts as empty
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
				if err != nil { // events were lost, so look
					break events
				}
			}
		}
	}
}

// Serves reports whether the state says that the gateway with this pid serves.
func Serves(s profile.State, pid int) bool {
	return pid != 0 && s.PID == pid && (s.Gateway == profile.StateRunning || s.Gateway == profile.StateDegraded)
}
