//go:build unix

package servicetest

import (
	"context"
	"sync"
	"syscall"
	"testing"

	"hermes/internal/service"
)

// watched checks that whoever looks again only at the services that Watch names always knows their true status. The users of
// managers without Watch ask them from time to time instead.
func watched(t *testing.T, r Rig) {
	w, ok := r.Manager.(service.Watcher)
	if !ok {
		return
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var mu sync.Mutex
	seen := map[string]service.Status{}
	look := func(service.ID) {
		list, err := r.Manager.List(t.Context())
		if err != nil {
			return // a slot that appears or disappears at this moment is reported once more
		}
		mu.Lock()
		defer mu.Unlock()
		clear(seen)
		for _, st := range list {
			seen[st.ID.String()] = st
		}
	}
	first := make(chan struct{})
	go func() {
		ended <- w.Watch(ctx, func(id service.ID) {
			look(id)
			select {
			case <-first:
			default:
				close(first)
			}
		})
	}()
	<-first
	knows := func(what string, id service.ID, is func(st service.Status, known bool) bool) {
		t.Helper()
		Eventually(t, func() string {
			mu.Lock()
			defer mu.Unlock()
			st, known := seen[id.String()]
			if !is(st, known) {
				return what + " was not told"
			}
			return ""
		})
	}
	id := r.Register(t, "coder", Ready)
	knows("that it is registered", id, func(_ service.Status, known bool) bool { return known })
	old := r.Start(t, id).PID
	knows("that it is ready", id, func(st service.Status, _ bool) bool { return st.Ready && st.PID == old })
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	knows("that it died and is back", id, func(st service.Status, _ bool) bool { return st.Ready && st.PID != old })
	if err := r.Manager.Stop(t.Context(), id, deadline); err != nil {
		t.Fatal(err)
	}
	knows("that it is down", id, func(st service.Status, known bool) bool { return known && !st.Up })
	if err := r.Manager.Unregister(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	knows("that it is gone", id, func(_ service.Status, known bool) bool { return !known })
	stop()
	<-ended
}
