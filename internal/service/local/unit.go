package local

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/thejerf/suture/v4"

	"hermes/internal/service"
	"hermes/internal/service/restart"
)

// pause is the least time between two starts that nobody asked for, as with s6-supervise.
const pause = time.Second

// unit is one supervised service: what is wanted of it, its process, and the goroutine, Serve, that
// brings the two together. Only that goroutine begins and buries processes.
type unit struct {
	s    *Supervisor
	id   service.ID
	log  *sink
	kick chan struct{} // wakes Serve
	over chan struct{} // closed when Serve has ended for good

	mu      sync.Mutex
	changed chan struct{} // closed at the next change, if somebody waits for one
	want    bool
	gone    bool // unregistered
	ending  bool // the supervisor ends
	kill    time.Duration
	orders  int // counts what people told it: a decision that is older does not hold

	run      int      // the number of the present or the last run
	busy     bool     // a run is on, from before its process begins until its end is decided upon
	proc     *process // nil before it has begun and once it has ended
	told     bool     // the present run was told to end
	dying    bool     // it has ended, and what follows is being decided
	killAt   time.Time
	ready    bool
	since    time.Time
	earliest time.Time // of the next start
	backoff  bool
	last     exit
	deaths   int  // since it was last started by hand
	again    bool // the next run is the supervisor's own idea
	restarts int  // runs that were
	failed   service.Death
	failures []time.Time
}

// exit is how a run ended.
type exit struct {
	code   int
	signal string
	err    error // it could not be begun
}

func (e exit) String() string {
	switch {
	case e.err != nil:
		return e.err.Error()
	case e.signal != "":
		return "signal " + e.signal
	}
	return fmt.Sprintf("exit code %d", e.code)
}

func newUnit(s *Supervisor, spec service.Spec) *unit {
	return &unit{
		s: s, id: spec.ID, want: spec.Up, kill: restart.KillAfter(spec.KillAfter), since: time.Now(), last: exit{code: -1},
		log: newSink(s, spec.ID), kick: make(chan struct{}, 1), over: make(chan struct{}),
	}
}

// String names the unit in suture's events.
func (u *unit) String() string { return u.id.String() }

// tell publishes a change. The caller holds mu.
func (u *unit) tell() {
	if u.changed != nil {
		close(u.changed)
		u.changed = nil
	}
	u.s.changed()
}

func (u *unit) wake() {
	select {
	case u.kick <- struct{}{}:
	default:
	}
}

// Serve runs until the unit is unregistered or ctx ends, and its process is down. suture calls it again if it panics: then
// it goes on with the process that it has.
func (u *unit) Serve(ctx context.Context) error {
	ended := ctx.Done()
	for {
		if ctx.Err() != nil {
			ended = nil
			u.mu.Lock()
			u.ending = true
			u.mu.Unlock()
		}
		begin, over, timer := u.advance()
		switch {
		case over:
			u.log.close()
			u.mu.Lock()
			gone := u.gone
			u.mu.Unlock()
			if gone { // also when whoever unregistered it did not wait for it
				u.s.drop(u)
			}
			close(u.over)
			return suture.ErrDoNotRestart
		case begin:
			u.begin()
			continue
		}
		var exited <-chan exit
		var ready <-chan struct{}
		if p := u.proc; p != nil { // only this goroutine changes it
			exited = p.exited
			if !u.ready {
				ready = p.ready
			}
		}
		select {
		case <-ended:
		case <-u.kick:
		case e := <-exited:
			u.ended(e)
		case <-ready:
			u.becameReady()
		case <-timer:
		}
	}
}

// advance does what is due and says what comes next: begin a run, end for good, or wait, at most until timer.
func (u *unit) advance() (begin, over bool, timer <-chan time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	p := u.proc
	switch {
	case p == nil && (u.gone || u.ending):
		return false, true, nil
	case p == nil && u.want && !now.Before(u.earliest):
		u.run++
		if u.again {
			u.restarts++
		}
		u.busy, u.told, u.ready, u.backoff, u.again = true, false, false, false, false
		return true, false, nil
	case p == nil && u.want:
		return false, false, time.After(u.earliest.Sub(now))
	case p == nil:
		return false, false, nil
	}
	if (u.gone || u.ending || !u.want || u.told) && u.killAt.IsZero() {
		u.told = true
		u.killAt = now.Add(u.kill)
		p.terminate()
	}
	switch {
	case u.killAt.IsZero():
	case now.Before(u.killAt):
		timer = time.After(u.killAt.Sub(now))
	default:
		p.kill()
	}
	return false, false, timer
}

// begin starts a process. mu is not held meanwhile: fork takes its time on a busy machine.
func (u *unit) begin() {
	p, err := u.s.spawn(u.id, u.log)
	u.mu.Lock()
	u.since, u.killAt = time.Now(), time.Time{}
	u.proc = p
	u.tell()
	u.mu.Unlock()
	if err != nil {
		u.log.line([]byte(err.Error()))
		u.ended(exit{code: -1, err: err})
		return
	}
	u.s.o.Log.Info("started", "service", u.id.String(), "pid", p.pid)
}

func (u *unit) becameReady() {
	u.mu.Lock()
	u.ready = true
	took := time.Since(u.since)
	u.tell()
	u.mu.Unlock()
	u.s.o.Log.Info("ready", "service", u.id.String(), "ms", took.Milliseconds())
}

// ended decides what follows the end of a run. The decision is published together with the end, and what it writes into
// the profile's state before it: who hears of the end can read why.
func (u *unit) ended(e exit) {
	u.mu.Lock()
	began := u.since
	planned, orders := u.told || !u.want || u.ending || u.gone, u.orders
	u.proc, u.ready, u.dying, u.last, u.since = nil, false, true, e, time.Now()
	meaning := restart.Of(e.code, e.signal)
	how := e.String()
	var d restart.Decision
	if !planned {
		u.deaths++
		if died := u.s.died(e, u.since); died.Failed() {
			u.failed = died
			if e.err == nil {
				how = died.How()
			}
		}
		if meaning == restart.Failure {
			u.failures = append(u.failures, u.since)
			u.failures = u.failures[max(0, len(u.failures)-1000):]
			d = u.s.o.Backoff(u.id).Decide(u.failures)
		}
	}
	u.mu.Unlock()

	u.s.o.Log.Info("ended", "service", u.id.String(), "how", how, "planned", planned)
	if d.GiveUp {
		text, err := service.RecordGaveUp(context.Background(), u.s.store, u.id, d, how)
		u.say(text)
		if err != nil {
			u.s.o.Log.Warn("cannot record that a gateway gave up", "service", u.id.String(), "error", err)
		}
	}

	u.mu.Lock()
	defer u.mu.Unlock()
	u.busy, u.dying = false, false
	switch {
	case u.told && !u.want && e.signal == "SIGKILL":
		u.say(restart.Decision{Stopped: true}.Tell(u.id, service.Death{Signal: e.signal}.How()))
	case planned || orders != u.orders:
	case d.GiveUp, meaning == restart.Stay:
		u.want = false
	default:
		u.again = true
		u.earliest = began.Add(pause)
		if d.Delay > 0 {
			d.Delay = restart.Jitter(d.Delay)
			u.backoff = true
			u.earliest = time.Now().Add(d.Delay)
		}
		if meaning == restart.Failure {
			u.say(d.Tell(u.id, how))
		}
	}
	u.tell()
}

func (u *unit) say(text string) {
	u.log.line([]byte(text))
	u.s.o.Log.Warn(text)
}

// order takes a command: want, and from now on at once.
func (u *unit) order(want bool) {
	u.want, u.backoff, u.again, u.earliest = want, false, false, time.Time{}
	u.orders++
	u.wake()
	u.tell()
}

// refusal is why no command can be taken. The caller holds mu.
func (u *unit) refusal(action string) error {
	switch {
	case u.gone:
		return service.NotRegistered(u.id)
	case u.ending && action != "stop":
		return &service.CommandError{Manager: Name, Service: u.id, Action: action, Reason: "it is ending"}
	}
	return nil
}

func (u *unit) start(ctx context.Context, wait time.Duration) error {
	u.mu.Lock()
	if err := u.refusal("start"); err != nil || u.ready && !u.told {
		u.mu.Unlock()
		return err
	}
	return u.startLocked(ctx, wait, time.Now())
}

// startLocked is called with mu held and releases it.
func (u *unit) startLocked(ctx context.Context, wait time.Duration, begun time.Time) error {
	target := u.run
	if !u.busy {
		u.failures, u.deaths, u.restarts, u.failed = nil, 0, 0, service.Death{}
	}
	if !u.busy || u.told || u.dying {
		target++
	}
	u.order(true)
	u.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	return u.awaitReady(ctx, target, wait, begun)
}

func (u *unit) restart(ctx context.Context, wait time.Duration) error {
	begun := time.Now()
	u.mu.Lock()
	if err := u.refusal("restart"); err != nil {
		u.mu.Unlock()
		return err
	}
	if !u.busy {
		return u.startLocked(ctx, wait, begun)
	}
	target := u.run + 1
	u.told = true
	u.order(true)
	u.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	return u.awaitReady(ctx, target, wait, begun)
}

// awaitReady waits until a run, or one after it, is ready, or has ended.
func (u *unit) awaitReady(ctx context.Context, target int, wait time.Duration, begun time.Time) error {
	return u.await(ctx, begun.Add(wait), func(late bool) (bool, error) {
		over := u.run > target || u.run == target && !u.busy || u.run < target && !u.busy && !u.want
		switch {
		case u.run >= target && u.ready && !u.told:
			return true, nil
		case over || u.gone:
			return true, &service.NotReadyError{Service: u.id, Ended: true, ExitCode: u.last.code, Signal: u.last.signal,
				GaveUp: !u.want && !u.busy, Waited: time.Since(begun)}
		case late && u.run < target && u.proc != nil:
			return true, &service.NotDownError{Service: u.id, PID: u.proc.pid, Waited: time.Since(begun)}
		case late:
			return true, &service.NotReadyError{Service: u.id, ExitCode: -1, Waited: time.Since(begun)}
		}
		return false, nil
	})
}

func (u *unit) stop(ctx context.Context, wait time.Duration) error {
	begun := time.Now()
	u.mu.Lock()
	if err := u.refusal("stop"); err != nil {
		u.mu.Unlock()
		return err
	}
	target := u.run
	u.order(false)
	u.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	return u.await(ctx, begun.Add(wait), func(late bool) (bool, error) {
		if !u.busy || u.run > target {
			return true, nil
		}
		if !late {
			return false, nil
		}
		e := &service.NotDownError{Service: u.id, Waited: time.Since(begun)}
		if u.proc != nil {
			e.PID = u.proc.pid
		}
		return true, e
	})
}

// await calls look, with mu held, at every change until it is done; once with late at the deadline.
func (u *unit) await(ctx context.Context, deadline time.Time, look func(late bool) (bool, error)) error {
	timeout := time.NewTimer(time.Until(deadline))
	defer timeout.Stop()
	late := false
	for {
		u.mu.Lock()
		done, err := look(late)
		if u.changed == nil {
			u.changed = make(chan struct{})
		}
		changed := u.changed
		u.mu.Unlock()
		if done || late {
			return err
		}
		select {
		case <-changed:
		case <-timeout.C:
			late = true
		case <-ctx.Done():
			return fmt.Errorf("waiting for '%s': %w", u.id, ctx.Err())
		}
	}
}

func (u *unit) status() service.Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	st := service.Status{ID: u.id, Up: u.proc != nil, WantUp: u.want, ExitCode: -1, Restarts: u.restarts, LastFailure: u.failed, Backoff: u.backoff, For: time.Since(u.since)}
	if u.proc != nil {
		st.PID, st.Ready = u.proc.pid, u.ready
		return st
	}
	st.ExitCode, st.Signal = u.last.code, u.last.signal
	return st
}

// settled returns when the unit is where it is to be, or failed to get there.
func (u *unit) settled(ctx context.Context, wait time.Duration) {
	_ = u.await(ctx, time.Now().Add(wait), func(bool) (bool, error) {
		return !u.want && !u.busy || u.ready || u.deaths > 0 || u.gone || u.ending, nil
	})
}
