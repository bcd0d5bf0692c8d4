package local

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/restart"
)

func newTestUnit(t *testing.T) (*Supervisor, *unit) {
	t.Helper()
	s := New(Options{Home: t.TempDir(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Backoff: func(service.ID) restart.Rule { return restart.Default() }})
	id := service.Gateway(profile.Default())
	if _, err := s.Write(service.Spec{ID: id}); err != nil {
		t.Fatal(err)
	}
	u, _ := s.unit(id)
	return s, u
}

// TestAServiceThatFailsAsItIsStoppedIsNotInBackoff: the process fails after the order to stop, before it is told to end.
func TestAServiceThatFailsAsItIsStoppedIsNotInBackoff(t *testing.T) {
	_, u := newTestUnit(t)
	u.mu.Lock()
	u.state, u.run = starting, 2
	u.failures = []time.Time{time.Now()}
	u.order(toStop)
	u.mu.Unlock()
	u.ended(exit{code: 1})
	if st := u.status(); st.Backoff || st.WantUp || !st.LastFailure.IsZero() {
		t.Errorf("%+v", st)
	}
}

// TestAServiceCanBeUnregisteredWhileItsSupervisorEnds is useful with -race: a service is unregistered while its goroutine ends.
func TestAServiceCanBeUnregisteredWhileItsSupervisorEnds(t *testing.T) {
	for range 100 {
		s, u := newTestUnit(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = u.Serve(ctx)
		}()
		if err := s.Unregister(t.Context(), u.id); err != nil {
			t.Fatal(err)
		}
		<-served
		if list, _ := s.List(t.Context()); len(list) > 0 {
			t.Fatalf("still there: %+v", list)
		}
	}
}
