package fleet

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
)

const (
	// settle is how long events are gathered before the picture is renewed: one start of a gateway makes several events.
	settle = 20 * time.Millisecond
	// fewDirty is how many gateways at most are looked at one by one. A look at one gateway starts two processes of s6's, a list of all
	// gateways starts two for all together.
	fewDirty = 4
	// Sampled is how often memory is read while somebody looks.
	Sampled = 10 * time.Second
	// keepSamples and keepHistory bound what is kept of each gateway.
	keepSamples = 90
	keepHistory = 50
	// unwatched is how often the picture is renewed while nothing can tell of changes.
	unwatched = 5 * time.Second
)

// Options says what a fleet looks at.
type Options struct {
	Store *profile.Store
	// Manager returns who is in charge now; nil if nobody is.
	Manager   func() service.Manager
	Container bool
	// Past are changes of state that happened before, the oldest first.
	Past []Change
	// Record keeps changes of state beyond the life of this process; nil if nobody does.
	Record func([]Change) error
	Log    *slog.Logger
}

// Fleet is the picture. Its methods are safe for concurrent use.
type Fleet struct {
	o       Options
	version uint64
	history map[profile.Name][]Change
	samples map[profile.Name][]int64

	mu      sync.Mutex
	current *Snapshot
	viewers int
	viewed  chan struct{} // has room for one: the first viewer came, or the last went
	asked   chan chan struct{}
}

// New returns a fleet that has not been looked at: Run does that.
func New(o Options) *Fleet {
	f := &Fleet{o: o, history: map[profile.Name][]Change{}, samples: map[profile.Name][]int64{}, viewed: make(chan struct{}, 1), asked: make(chan chan struct{})}
	for _, c := range o.Past {
		f.history[c.Profile] = last(append(f.history[c.Profile], c), keepHistory)
	}
	f.current = &Snapshot{next: make(chan struct{}), byName: map[profile.Name]*Gateway{}}
	return f
}

// Snapshot returns the latest picture.
func (f *Fleet) Snapshot() *Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current
}

// View says that somebody looks at the picture, until the function that it returns is called. Memory is sampled only while somebody looks.
func (f *Fleet) View() (release func()) {
	f.count(1)
	return sync.OnceFunc(func() { f.count(-1) })
}

func (f *Fleet) count(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.viewers
	f.viewers += n
	if (before == 0) != (f.viewers == 0) {
		select {
		case f.viewed <- struct{}{}:
		default:
		}
	}
}

func (f *Fleet) anybody() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.viewers > 0
}

// Refresh brings the picture up to date and returns then, or when ctx ends. The picture shows all that was done before the call.
func (f *Fleet) Refresh(ctx context.Context) {
	done := make(chan struct{})
	select {
	case f.asked <- done:
	case <-ctx.Done():
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Run keeps the picture true until ctx ends. ready is called when there is a first one.
func (f *Fleet) Run(ctx context.Context, ready func()) error {
	news, err := f.listen(ctx)
	if err != nil {
		return err
	}
	defer news.close()
	f.renew(ctx)
	ready()
	sampling := time.NewTicker(Sampled)
	sampling.Stop()
	defer sampling.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.viewed:
			sampling.Stop()
			if f.anybody() {
				f.measure()
				sampling.Reset(Sampled)
			}
		case <-sampling.C:
			if !news.told.Load() {
				f.renew(ctx)
			}
			f.measure()
		case done := <-f.asked:
			f.renew(ctx)
			close(done)
		case <-news.woken:
			pause(ctx, settle)
			dirty, all := news.take()
			if all || len(dirty) > fewDirty {
				f.renew(ctx)
			} else {
				f.refresh(ctx, dirty)
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// renew looks at every gateway.
func (f *Fleet) renew(ctx context.Context) {
	m := f.o.Manager()
	views, broken, err := LookAll(ctx, m, f.o.Store, f.o.Container)
	if ctx.Err() != nil {
		return
	}
	before := f.Snapshot()
	s := &Snapshot{Broken: broken, Manager: managerName(m, f.o.Container), Control: m != nil, Err: err}
	if err != nil {
		f.o.Log.Error("cannot look at the gateways", "error", err)
		s.Gateways, s.Broken = before.Gateways, before.Broken
	} else {
		for _, v := range views {
			s.Gateways = append(s.Gateways, f.gateway(before, v))
		}
	}
	f.publish(before, s)
}

// refresh looks at some gateways.
func (f *Fleet) refresh(ctx context.Context, names []profile.Name) {
	before, m := f.Snapshot(), f.o.Manager()
	s := &Snapshot{Gateways: slices.Clone(before.Gateways), Broken: before.Broken, Manager: managerName(m, f.o.Container), Control: m != nil}
	for _, n := range names {
		i := slices.IndexFunc(s.Gateways, func(g *Gateway) bool { return g.Profile == n })
		h, err := f.o.Store.Get(n)
		var v View
		if err == nil {
			v, err = Look(ctx, m, h, f.o.Container)
		}
		if i < 0 || err != nil { // the profile is new or gone
			f.renew(ctx)
			return
		}
		s.Gateways[i] = f.gateway(before, v)
	}
	f.publish(before, s)
}

func managerName(m service.Manager, container bool) string {
	if m == nil {
		return service.ManagerName(service.KindNone, container)
	}
	return service.ManagerName(m.Kind(), container)
}

// gateway makes a Gateway of a view. If nothing has changed since before, it returns the same pointer as before.
func (f *Fleet) gateway(before *Snapshot, v View) *Gateway {
	old := before.byName[v.Profile]
	now := time.Now()
	g := &Gateway{View: v, Home: f.o.Store.Home(v.Profile), History: f.history[v.Profile], Samples: f.samples[v.Profile]}
	if v.Up() {
		g.Since = now.Add(-time.Duration(v.Uptime * float64(time.Second))).Truncate(time.Second)
	}
	g.Counters, _ = profile.ReadCounters(g.Home) // counters that cannot be read are left out
	g.untold = untold(old, g)
	if old != nil {
		g.GiveUps = old.GiveUps
		if g.State == string(profile.StateStartupFailed) && old.State != g.State {
			g.GiveUps++
		}
		if old.PID == g.PID {
			g.Memory = old.Memory
			if v.Up() { // the time up is rounded to seconds, so this may differ by one
				g.Since = old.Since
			}
		}
		if same(old, g) {
			return old
		}
	}
	f.version++
	g.Version = f.version
	return g
}

// publish makes a snapshot the current one, if it says anything new, and records what changed.
func (f *Fleet) publish(before, s *Snapshot) {
	var changes []Change
	s.byName = make(map[profile.Name]*Gateway, len(s.Gateways))
	for i, g := range s.Gateways {
		old := before.byName[g.Profile]
		if c, ok := changed(old, g, f.history[g.Profile]); ok {
			changes = append(changes, c)
			f.history[g.Profile] = last(append(f.history[g.Profile], c), keepHistory)
			with := *g
			with.History, with.untold = f.history[g.Profile], false
			g = &with
			s.Gateways[i] = g
		}
		s.byName[g.Profile] = g
	}
	for n := range before.byName {
		if _, ok := s.byName[n]; !ok {
			delete(f.history, n)
			delete(f.samples, n)
		}
	}
	if before.Version > 0 && slices.Equal(before.Gateways, s.Gateways) && before.Manager == s.Manager && sameText(before.Err, s.Err) &&
		slices.EqualFunc(before.Broken, s.Broken, func(a, b profile.Entry) bool { return a.Label == b.Label && sameText(a.Err, b.Err) }) {
		return
	}
	s.Version = before.Version + 1
	s.next = make(chan struct{})
	f.mu.Lock()
	f.current = s
	f.mu.Unlock()
	close(before.next)
	if f.o.Record != nil && len(changes) > 0 {
		if err := f.o.Record(changes); err != nil {
			f.o.Log.Warn("cannot record what the gateways did", "error", err)
		}
	}
}

// last returns the last n of a list in a slice of their own.
func last[T any](list []T, n int) []T {
	return slices.Clone(list[max(0, len(list)-n):])
}
