package local

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/thejerf/suture/v4"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/restart"
)

// Name is the name of the embedded supervisor in messages.
const Name = "hermes up"

// Options says what a supervisor runs, and how.
type Options struct {
	Home    string   // HERMES_HOME
	Program string   // the path of hermes
	Env     []string // the environment of the services, without HERMES_HOME
	Log     *slog.Logger
	Backoff func(service.ID) restart.Rule // nil means service.BackoffOf
	// Copy gets every line of the services, with its profile in front, in addition to the files; nil for none.
	Copy io.Writer
}

// Supervisor keeps the services of one home running, each as a child process. It implements service.Manager for the clients that
// connect to the socket.
type Supervisor struct {
	o     Options
	store *profile.Store
	tree  *suture.Supervisor
	forks chan func()
	began time.Time

	mu    sync.Mutex
	units map[service.ID]*unit
	oom   service.OOM
	news  chan struct{}
	copy  sync.Mutex
}

var _ service.Manager = (*Supervisor)(nil)

// New returns a supervisor without services. It runs nothing before Serve.
func New(o Options) *Supervisor {
	s := &Supervisor{o: o, store: profile.NewStore(o.Home), units: map[service.ID]*unit{}, forks: make(chan func()), began: time.Now(), news: make(chan struct{})}
	if s.o.Backoff == nil {
		s.o.Backoff = func(id service.ID) restart.Rule { return service.BackoffOf(s.store, id) }
	}
	s.oom.Explained, _ = service.OOMKills() // 0 if there is no counter; then Explain does nothing
	s.tree = suture.New("hermes", suture.Spec{
		// A unit ends when its process ends, which KillAfter limits.
		Timeout:   24 * time.Hour,
		EventHook: func(e suture.Event) { s.o.Log.Error("a supervising routine failed", "event", e.String()) },
	})
	return s
}

// Serve runs the services until ctx ends and all are down.
func (s *Supervisor) Serve(ctx context.Context) {
	forking := make(chan struct{})
	go func() { defer close(forking); s.fork() }()
	_ = s.tree.Serve(ctx) // it returns because ctx has ended
	close(s.forks)
	<-forking
}

// Kill kills every process at once.
func (s *Supervisor) Kill() {
	for _, u := range s.all() {
		u.mu.Lock()
		u.kill = 0
		if !u.killAt.IsZero() {
			u.killAt = time.Now()
		}
		u.mu.Unlock()
		u.wake()
	}
}

// died describes the end of a run that was not told to end.
func (s *Supervisor) died(e exit, when time.Time) service.Death {
	d := service.Death{Time: when.UTC().Round(0), ExitCode: e.code, Signal: e.signal}
	if e.err != nil { // it could not be started; a shell has this code for that
		d.ExitCode = 127
	}
	kills, ok := service.OOMKills()
	s.mu.Lock()
	defer s.mu.Unlock()
	d.OutOfMemory = s.oom.Explain(d, kills, ok)
	return d
}

// changed wakes everybody who waits for a change.
func (s *Supervisor) changed() {
	s.mu.Lock()
	close(s.news)
	s.news = make(chan struct{})
	s.mu.Unlock()
}

// News returns a channel that is closed at the next change of any service.
func (s *Supervisor) News() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.news
}

// Settle returns when every service that is wanted up is ready or has failed, or when the time is over.
func (s *Supervisor) Settle(ctx context.Context, wait time.Duration) {
	until := time.Now().Add(wait)
	for _, u := range s.all() {
		u.settled(ctx, time.Until(until))
	}
}

// Kind returns service.KindLocal.
func (s *Supervisor) Kind() service.Kind { return service.KindLocal }

// SupportsRegistration returns true.
func (s *Supervisor) SupportsRegistration() bool { return true }

// Write registers a service during a boot.
func (s *Supervisor) Write(spec service.Spec) (created bool, err error) {
	s.mu.Lock()
	u, ok := s.units[spec.ID]
	if !ok {
		u = newUnit(s, spec)
		s.units[spec.ID] = u
	}
	s.mu.Unlock()
	if !ok {
		s.tree.Add(u)
		s.changed()
		return true, nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.kill = restart.KillAfter(spec.KillAfter)
	return false, nil
}

// Register adds a service. If the service is being unregistered, it waits for the end of that.
func (s *Supervisor) Register(ctx context.Context, spec service.Spec) error {
	if u, ok := s.unit(spec.ID); ok {
		u.mu.Lock()
		gone := u.gone
		u.mu.Unlock()
		if gone {
			select {
			case <-u.over:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	_, err := s.Write(spec)
	return err
}

// Unregister stops a service and removes it.
func (s *Supervisor) Unregister(ctx context.Context, id service.ID) error {
	u, ok := s.unit(id)
	if !ok {
		return service.NotRegistered(id)
	}
	u.mu.Lock()
	if u.gone {
		u.mu.Unlock()
		return service.NotRegistered(id)
	}
	u.gone = true
	u.order(toClose)
	u.mu.Unlock()
	select {
	case <-u.over:
		s.drop(u) // its goroutine may have ended before it got the order
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Supervisor) drop(u *unit) {
	s.mu.Lock()
	if s.units[u.id] == u {
		delete(s.units, u.id)
	}
	s.mu.Unlock()
	s.changed()
}

func (s *Supervisor) unit(id service.ID) (*unit, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.units[id]
	return u, ok
}

// Start wants a service up.
func (s *Supervisor) Start(ctx context.Context, id service.ID, wait time.Duration) error {
	if u, ok := s.unit(id); ok {
		return u.start(ctx, wait)
	}
	return service.NotRegistered(id)
}

// Stop wants a service down.
func (s *Supervisor) Stop(ctx context.Context, id service.ID, wait time.Duration) error {
	if u, ok := s.unit(id); ok {
		return u.stop(ctx, wait)
	}
	return service.NotRegistered(id)
}

// Restart ends the service's process and starts another.
func (s *Supervisor) Restart(ctx context.Context, id service.ID, wait time.Duration) error {
	if u, ok := s.unit(id); ok {
		return u.restart(ctx, wait)
	}
	return service.NotRegistered(id)
}

// Status returns what a service does now.
func (s *Supervisor) Status(_ context.Context, id service.ID) (service.Status, error) {
	u, ok := s.unit(id)
	if !ok {
		return service.Status{}, service.NotRegistered(id)
	}
	return u.status(), nil
}

func (s *Supervisor) all() []*unit {
	s.mu.Lock()
	all := make([]*unit, 0, len(s.units))
	for _, u := range s.units {
		all = append(all, u)
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b *unit) int { return cmp.Compare(a.id.String(), b.id.String()) })
	return all
}

// List returns the status of every service, ordered by name.
func (s *Supervisor) List(context.Context) ([]service.Status, error) {
	list := []service.Status{}
	for _, u := range s.all() {
		list = append(list, u.status())
	}
	return list, nil
}
